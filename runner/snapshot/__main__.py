"""`python -m runner.snapshot`: takes, gives back, checks or removes one snapshot, or removes a room, and ends.

It reads one JSON object from standard input and writes one: `{"refused": "…"}` when it will not work by trying again.
Each is a line; a pack of git follows the answer of `pack`, and packs follow the wish to `unpack`.
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
from runner import prepared
from runner.git import Git
from runner.sandbox import Level, Sandbox
from runner.snapshot import counts, packs
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
    base: str = ""
    commit: str = ""
    pack_bytes: tuple[int, ...] = ()

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
        wish.get("base", ""),
        wish.get("commit", ""),
        tuple(wish.get("pack_bytes", ())),
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


def pack(wish: Wish) -> dict[str, object]:
    """Take the snapshot and check it. Its pack is to follow."""
    based = bool(wish.base) and wish.vault.holds(wish.base)
    if not based and not wish.vault.has(wish.reference):
        clear(wish.vault.folder)  # what earlier snapshots left is of no use to anybody
    facts = save(wish)
    if not wish.vault.is_sound(wish.reference):
        clear(wish.vault.folder)
        cause = "what was saved is damaged"
        raise Refused(cause)
    return {**facts, "commit": wish.vault.commit(wish.reference), "based": based}


def unpack(wish: Wish) -> dict[str, object]:
    """Make the room's directory of the snapshot that standard input has, unless that was done."""
    if prepared.restoration(wish.room) != wish.restoration:
        clear(wish.vault.folder)
        packs.read(wish.vault, wish.reference, wish.commit, wish.pack_bytes, sys.stdin.buffer)
    branch = restore(wish.vault, wish.reference, wish.room, wish.restoration)
    clear(wish.vault.folder)
    return {"branch": branch}


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
    "pack": pack,
    "unpack": unpack,
    "check": check,
    "remove": remove,
    "clear": clear_room,
}


def main() -> None:
    """Do what standard input says."""
    faults.arm(os.environ.get("FAULT", ""))  # noqa: TID251  # for tests only
    wish = told(sys.stdin.buffer.readline().decode())
    with wish.vault.locked():
        try:
            answer = ACTIONS[wish.action](wish)
        except Refused as refusal:
            answer = {"refused": str(refusal)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
        if wish.action == "pack" and "refused" not in answer:
            packs.write(wish.vault, wish.reference, wish.base if answer["based"] else "")


if __name__ == "__main__":
    main()
