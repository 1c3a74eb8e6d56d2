"""The leaf digest, against vectors computed from its definition; a change of the form would break every proof."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from stateroom.event.v1.change_pb2 import Change

from chassis import digest

CHANGE = Change(source="workspace", epoch=1, position=7, header=b"header", salt=bytes(range(16)), payload=b"payload")
LEAF = "fe1cee70ceef9ff9e76a4c4e5a02287f6f236c5d67ecd9a4002cc0cb7574b03b"
KEY = b"k" * 32


def _by_definition(change: Change) -> bytes:
    def sized(part: bytes) -> bytes:
        return len(part).to_bytes(8, "big") + part

    content = sha256(sized(change.salt) + sized(change.payload)).digest()
    numbers = (change.epoch.to_bytes(8, "big"), change.position.to_bytes(8, "big"))
    parts = (change.source.encode(), *numbers, change.header, content)
    return sha256(b"\x00" + b"".join(sized(part) for part in parts)).digest()


def test_leaf_of_a_change_is_the_fixed_vector() -> None:
    """The form is fixed for ever: this value was computed once and is never computed again."""
    assert digest.leaf(CHANGE).hex() == LEAF
    assert digest.leaf(CHANGE) == _by_definition(CHANGE)


@pytest.mark.parametrize(
    "changed",
    [
        {"source": "session"},
        {"epoch": 2},
        {"position": 8},
        {"header": b"Header"},
        {"salt": bytes(16)},
        {"payload": b""},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_leaf_of_a_change_with_another_part_differs(changed: dict[str, object]) -> None:
    """Every part is in the digest."""
    other = Change(**{field.name: value for field, value in CHANGE.ListFields()} | changed)
    assert digest.leaf(other) != digest.leaf(CHANGE)


def test_leaf_of_parts_that_are_joined_differently_differs() -> None:
    """Lengths keep neighbouring parts apart."""
    first = Change(source="a", header=b"bc", salt=b"x", payload=b"yz")
    second = Change(source="a", header=b"bc", salt=b"xy", payload=b"z")
    assert digest.leaf(first) != digest.leaf(second)


def test_signed_by_another_key_or_over_another_change_is_false() -> None:
    """A signature holds for one key and one change."""
    signature = digest.sign(KEY, CHANGE)
    other = Change()
    other.CopyFrom(CHANGE)
    other.position += 1
    assert digest.signed_by(KEY, CHANGE, signature)
    assert not digest.signed_by(b"o" * 32, CHANGE, signature)
    assert not digest.signed_by(KEY, other, signature)
    assert not digest.signed_by(KEY, CHANGE, "")


def test_load_keys_reads_the_key_of_each_source(tmp_path: Path) -> None:
    """Keys are base64 texts by name."""
    (tmp_path / "keys").write_text(json.dumps({"workspace": "a2tr"}))
    assert digest.load_keys(tmp_path / "keys") == {"workspace": b"kkk"}
