"""Secrets that have to be read again are stored sealed, with a key that is not in the database.

The keys are in a file of the installation: `{"current": "1", "keys": {"1": "<32 bytes in base64>"}}`. What is sealed
says by which key; a key that becomes the current one seals from then on, and the others open what they have sealed.
"""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE = 12  # bytes, as AES-GCM wants it


class Unopenable(Exception):
    """What was stored cannot be opened: its key is gone from the file, or it was sealed for another place."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens. `place` is where a secret is stored: table, column, account, row. It opens nowhere else."""

    current: str
    keys: dict[str, AESGCM]

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the keys. ValueError when the file has another form."""
        document: Any = json.loads(path.read_bytes())
        keys = {str(name): AESGCM(_key(text)) for name, text in document["keys"].items()}
        if document["current"] not in keys:
            msg = "the current key is not among the keys"
            raise ValueError(msg)
        return cls(document["current"], keys)

    def seal(self, secret: bytes, *place: str) -> bytes:
        """Return a secret as it is stored."""
        nonce = os.urandom(_NONCE)
        name = self.current.encode()
        sealed = self.keys[self.current].encrypt(nonce, secret, _purpose(self.current, place))
        return bytes([len(name)]) + name + nonce + sealed

    def open(self, sealed: bytes, *place: str) -> bytes:
        """Return the secret. Unopenable."""
        length = sealed[0]
        name, rest = sealed[1 : 1 + length].decode(errors="replace"), sealed[1 + length :]
        key = self.keys.get(name)
        if key is None:
            msg = f"sealed by the key {name!r}, which the file does not have"
            raise Unopenable(msg)
        try:
            return key.decrypt(rest[:_NONCE], rest[_NONCE:], _purpose(name, place))
        except (InvalidTag, ValueError) as exc:
            msg = "not what was sealed here"
            raise Unopenable(msg) from exc


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != KEY_BYTES:
        msg = f"a key has {len(key)} bytes, not {KEY_BYTES}"
        raise ValueError(msg)
    return key


def _purpose(name: str, place: tuple[str, ...]) -> bytes:
    return json.dumps([name, *place]).encode()
