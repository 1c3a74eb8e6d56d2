"""What is sealed opens at its place, with its key, and nowhere else."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from chassis.sealing import Sealer, Unopenable

KEYS = {name: base64.b64encode(name.encode() * 32).decode() for name in ("1", "2")}


def _sealer(folder: Path, current: str, *names: str) -> Sealer:
    path = folder / "keys.json"
    path.write_text(json.dumps({"current": current, "keys": {name: KEYS[name] for name in names}}))
    return Sealer.from_file(path)


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    """Return one with one key."""
    return _sealer(tmp_path, "1", "1")


def test_sealed_secret_opens_at_its_place_alone(sealer: Sealer) -> None:
    """The same secret looks different each time, and what was copied elsewhere does not open."""
    sealed = sealer.seal(b"secret", "triggers", "a")
    assert sealer.open(sealed, "triggers", "a") == b"secret"
    assert sealed != sealer.seal(b"secret", "triggers", "a")
    for place in (("triggers", "b"), ("triggers",), ("triggersa",)):
        with pytest.raises(Unopenable):
            sealer.open(sealed, *place)


def test_new_current_key_seals_and_the_old_one_opens_on(tmp_path: Path, sealer: Sealer) -> None:
    """Until it leaves the file; then it is said which one is missing."""
    old = sealer.seal(b"old", "a")
    rotated = _sealer(tmp_path, "2", "1", "2")
    new = rotated.seal(b"new", "a")
    assert [rotated.open(each, "a") for each in (old, new)] == [b"old", b"new"]
    with pytest.raises(Unopenable, match="'1'"):
        _sealer(tmp_path, "2", "2").open(old, "a")


@given(st.integers(0, 39), st.integers(1, 255))
def test_sealed_secret_with_any_byte_changed_does_not_open(place: int, change: int) -> None:
    """Neither its key's name, nor the rest."""
    sealer = Sealer("1", {"1": AESGCM(b"1" * 32)})
    sealed = bytearray(sealer.seal(b"a secret.", "a"))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(Unopenable):
        sealer.open(bytes(sealed), "a")


@pytest.mark.parametrize(
    "document", [{"current": "2", "keys": {"1": KEYS["1"]}}, {"current": "1", "keys": {"1": "AAAA"}}]
)
def test_file_of_keys_of_another_form_is_refused(tmp_path: Path, document: object) -> None:
    """A current key that is not there, and one that is too short."""
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match="key"):
        Sealer.from_file(path)
