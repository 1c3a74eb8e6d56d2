"""The digest of a change, over stored bytes, never over re-encoded ones: what proves it and signs it on the way."""

import hmac
import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

from stateroom.event.v1.change_pb2 import Change

LEAF = b"\x00"
"""Prefix of a leaf (RFC 6962), which keeps it apart from an inner node."""


def leaf(change: Change) -> bytes:
    """Return the 32-byte leaf digest of a change.

    SHA-256 of 0x00, source, epoch, position, header and SHA-256(salt, payload), each with its length in front as eight
    big-endian bytes; numbers are eight big-endian bytes. The payload goes in as a digest, so that it can be erased and
    the leaf still proves the rest.
    """
    content = sha256(_sized(change.salt) + _sized(change.payload)).digest()
    parts = (change.source.encode(), change.epoch.to_bytes(8), change.position.to_bytes(8), change.header, content)
    return sha256(LEAF + b"".join(map(_sized, parts))).digest()


def sign(key: bytes, change: Change) -> str:
    """Return the HMAC-SHA-256 of a change's leaf, in hexadecimal."""
    return hmac.new(key, leaf(change), sha256).hexdigest()


def signed_by(key: bytes, change: Change, signature: str) -> bool:
    """Whether a signature was made with the key for exactly this change."""
    return hmac.compare_digest(sign(key, change).encode(), signature.encode())


def load_keys(path: Path) -> dict[str, bytes]:
    """Return the event key of each source from a file of base64 texts by name."""
    return {source: b64decode(text) for source, text in json.loads(path.read_text()).items()}


def _sized(part: bytes) -> bytes:
    return len(part).to_bytes(8) + part
