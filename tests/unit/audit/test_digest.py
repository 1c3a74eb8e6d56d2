"""The leaf digest against a second implementation, written from the contract alone."""

import hashlib
import struct

import pytest
from stateroom.event.v1.change_pb2 import Change

from chassis import digest

VECTORS = [
    (
        Change(source="workspace", epoch=1, position=1, header=b"header", salt=bytes(range(16)), payload=b"payload"),
        "4a1e56ae08d764932fb72a9835174fa5e8763a7f50a382b46a46f6bef8bc3329",
    ),
    (
        Change(source="session", epoch=7, position=2**40, header=b"\x00\xff" * 300, salt=b"\xaa" * 16, payload=b""),
        "3909ec11afad705c65cb5ab44da503bd12fad45550c4fa4dc17070daa36964c1",
    ),
]


def _leaf(change: Change) -> str:
    """Return what the comment on AuditLog.digest says, with struct and hashlib."""

    def sized(part: bytes) -> bytes:
        return struct.pack(">Q", len(part)) + part

    content = hashlib.sha256(sized(change.salt) + sized(change.payload)).digest()
    numbers = [struct.pack(">Q", number) for number in (change.epoch, change.position)]
    whole = b"".join(sized(part) for part in (change.source.encode(), *numbers, change.header, content))
    return hashlib.sha256(b"\x00" + whole).hexdigest()


@pytest.mark.parametrize(("change", "expected"), VECTORS)
def test_leaf_of_known_change_is_the_known_digest(change: Change, expected: str) -> None:
    """The form of a leaf is fixed for ever; a change of it breaks every digest out there."""
    assert digest.leaf(change).hex() == _leaf(change) == expected


@pytest.mark.parametrize("field", ["source", "epoch", "position", "header", "salt", "payload"])
def test_leaf_of_altered_field_differs(field: str) -> None:
    """Every part of a change is proven."""
    change = VECTORS[0][0]
    altered = Change()
    altered.CopyFrom(change)
    value = getattr(change, field)
    setattr(altered, field, value + 1 if isinstance(value, int) else value * 2)
    assert digest.leaf(altered) != digest.leaf(change)


def test_leaf_of_bytes_moved_to_the_next_part_differs() -> None:
    """Lengths are part of the digest, so bytes cannot wander from one part to another."""
    left = Change(source="a", header=b"bc", salt=b"12", payload=b"3")
    right = Change(source="ab", header=b"c", salt=b"1", payload=b"23")
    assert digest.leaf(left) != digest.leaf(right)


@pytest.mark.parametrize("signature", ["", "00", "é" * 64, "0" * 64])
def test_signed_by_wrong_signature_is_false(signature: str) -> None:
    """No text but the right one is a signature, whatever characters it has."""
    assert not digest.signed_by(b"key", VECTORS[0][0], signature)


def test_signed_by_other_key_is_false() -> None:
    """The key of another source does not sign for this one."""
    change = VECTORS[0][0]
    assert digest.signed_by(b"key", change, digest.sign(b"key", change))
    assert not digest.signed_by(b"other", change, digest.sign(b"key", change))
