"""`python -m runner.snapshot`: takes, gives back, checks or removes one snapshot, or removes a room, and ends.

It reads one JSON object from standard input and writes one: `{"refused": "…"}` when it will not work by trying again.
Whoever started it may die meanwhile; a snapshot is named only when it is whole, and asked for again it is the same.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from chassis import faults
from runner.git import Git
from runner.sandbox import Level, Sandbox
from runner.snapshot import counts
from runner.snapshot.clearing import clear
from runner.snapshot.errors import Changed, Refused
from runner.snapshot.restore import restore
from runner.snapshot.take import FACTS, take
from runner.snapshot.tree import walk
from runner.snapshot.vault import Vault

_ATTEMPTS = 5
"""Readings of a directory in which somebody works."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done, as it was told."""

    action: str
    vault: Vault
    save_id: str
    room: Path
    restoration: str
    sandbox: str
    hidden: tuple[Path, ...]
    size_limit: int
    with_ignored: bool

    @property
    def reference(self) -> str:
        """Where the vault keeps the snapshot."""
        return f"refs/saves/{self.save_id}"


def told(text: str) -> Wish:
    """Return the wish that a JSON object describes."""
    wish = json.loads(text)
    return Wish(
        wish["action"],
        Vault(Path(wish["vault"])),
        wish["save_id"],
        Path(wish["room"]),
        wish["restoration"],
        wish["sandbox"],
        tuple(map(Path, wish["hidden"])),
        wish["size_limit"],
        wish["with_ignored"],
    )


def save(wish: Wish) -> dict[str, object]:
    """Take the snapshot, unless it is there. Returns what it says of itself."""
    if not wish.vault.has(wish.reference):
        found, skipped = asyncio.run(_look(wish))
        for left in reversed(range(_ATTEMPTS)):
            try:
                entries = walk(wish.room / "files", skipped)
                take(wish.vault, wish.reference, entries, wish.size_limit, asdict(found))
                break
            except Changed as error:
                if not left:
                    cause = f"{error} changed while it was read"
                    raise Refused(cause) from error
    facts: dict[str, object] = json.loads(wish.vault.read("cat-file", "blob", f"{wish.reference}:{FACTS}"))
    return facts


async def _look(wish: Wish) -> tuple[counts.Counts, frozenset[bytes]]:
    """Return what git counts, and which paths are to be left out."""
    git = Git(wish.room, Sandbox(Level(wish.sandbox), wish.room, wish.hidden))
    return await counts.count(git), frozenset() if wish.with_ignored else await counts.ignored(git)


def give_back(wish: Wish) -> dict[str, object]:
    """Make the room's directory of the snapshot."""
    return {"branch": restore(wish.vault, wish.reference, wish.room, wish.restoration)}


def check(wish: Wish) -> dict[str, object]:
    """Read all of the snapshot. When it is there and damaged, its vault is set aside."""
    there = wish.vault.has(wish.reference)
    sound = there and wish.vault.is_sound(wish.reference)
    if there and not sound:
        wish.vault.set_aside()
    return {"sound": sound}


def remove(wish: Wish) -> dict[str, object]:
    """Forget the snapshot."""
    wish.vault.remove(wish.reference)
    return {}


def clear_room(wish: Wish) -> dict[str, object]:
    """Remove the room."""
    clear(wish.room)
    return {}


ACTIONS: Mapping[str, Callable[[Wish], dict[str, object]]] = {
    "save": save,
    "restore": give_back,
    "check": check,
    "remove": remove,
    "clear": clear_room,
}


def main() -> None:
    """Do what standard input says."""
    faults.arm(os.environ.get("FAULT", ""))  # noqa: TID251  # for tests only
    wish = told(sys.stdin.read())
    try:
        with wish.vault.locked():
            answer = ACTIONS[wish.action](wish)
    except Refused as refusal:
        answer = {"refused": str(refusal)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
