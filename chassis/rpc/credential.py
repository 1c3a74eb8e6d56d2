"""Credentials people and programs hold: `sr<kind>_<id>_<secret>_<crc>`, opaque and checked before any look-up.

The form follows GitHub's tokens: a prefix that scanners recognise and a checksum that finds typing errors.
"""

import secrets
import zlib
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from chassis.errors import CredentialMalformed

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
API_KEY = "k"
SHARE_LINK = "l"
DEPLOYMENT_KEY = "d"
TICKET = "t"

_ID_LENGTH = 22  # base62 digits of 128 bits
_SECRET_BITS = 190
_SECRET_LENGTH = 32  # base62 digits of that
_CHECKSUM_LENGTH = 6  # base62 digits of 32 bits
_PARTS = 4


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential: `text` is what its holder sends, `secret_sha256` all that is stored of its secret."""

    text: str
    credential_id: UUID
    secret_sha256: bytes

    @property
    def prefix(self) -> str:
        """The first 12 characters, to recognise the credential by."""
        return self.text[:12]


def mint(kind: str, credential_id: UUID) -> Credential:
    """Make a credential with a fresh secret."""
    secret = _base62(secrets.randbits(_SECRET_BITS), _SECRET_LENGTH)
    body = f"sr{kind}_{_base62(credential_id.int, _ID_LENGTH)}_{secret}"
    return Credential(f"{body}_{_checksum(body)}", credential_id, sha256(secret.encode()).digest())


def parse(text: str) -> Credential:
    """Take a credential apart. CredentialMalformed when its form or checksum is wrong."""
    body, _, checksum = text.rpartition("_")
    parts = text.split("_")
    if (
        len(parts) != _PARTS
        or not text.startswith("sr")
        or not secrets.compare_digest(checksum.encode(), _checksum(body).encode())
    ):
        raise CredentialMalformed
    number = 0
    for digit in parts[1]:
        number = number * len(ALPHABET) + ALPHABET.find(digit)
    if not 0 <= number < 1 << 128:
        raise CredentialMalformed
    return Credential(text, UUID(int=number), sha256(parts[2].encode()).digest())


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, rest = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))
