"""What a runner on the network proves itself with, and what it asks of those who call: files of one folder."""

import ssl
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Self

import grpc

_TOKEN_BYTES = 32


class Unusable(Exception):
    """Credentials are missing, or are none; the text says which, for people."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A certificate with its key, PEM, and the SHA-256 of the token; the token itself is not kept."""

    token_sha256: bytes
    certificate: bytes
    private_key: bytes = field(repr=False)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read `token`, `tls.crt` and `tls.key`. Unusable."""
        try:
            token = digest_of((folder / "token").read_text())
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                folder / "tls.crt", folder / "tls.key", password=_no_password
            )
            return cls(token, (folder / "tls.crt").read_bytes(), (folder / "tls.key").read_bytes())
        except ssl.SSLError as error:
            text = "tls.crt and tls.key must be a certificate and its key, PEM"
            raise Unusable(text) from error
        except OSError as error:
            text = f"token, tls.crt and tls.key must be there to read: {error.strerror}"
            raise Unusable(text) from error
        except ValueError as error:
            text = f"token {error}"
            raise Unusable(text) from error

    def of_server(self) -> grpc.ServerCredentials:
        """Return them as a server of gRPC shows them."""
        return grpc.ssl_server_credentials([(self.private_key, self.certificate)])


def digest_of(text: str) -> bytes:
    """Return the SHA-256 of a token that stands as one line. ValueError, which does not show it, for anything else."""
    token = text.strip()
    try:
        valid = len(bytes.fromhex(token)) == _TOKEN_BYTES
    except ValueError:
        valid = False
    if not valid:
        expected = "must hold the token, 64 hexadecimal digits on one line"
        raise ValueError(expected)
    return sha256(token.encode()).digest()


def _no_password() -> bytes:
    return b""  # else OpenSSL asks the terminal for that of an encrypted key
