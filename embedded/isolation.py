"""The walls that rooms get on this machine, tried where no room is, and what a person is told of them at the start."""

import tempfile
from pathlib import Path

from runner import program, room
from runner.program import CannotStart
from runner.sandbox import Level, Sandbox


async def probe(at_least: str) -> Sandbox:
    """Try what rooms will try, and return the strongest that works. CannotStart when that is weaker than wanted."""
    with tempfile.TemporaryDirectory(prefix="sr-walls-") as folder:
        scratch = Path(folder) / "room"
        room.prepare(scratch)
        return await program.probe(scratch, [], at_least=Level(at_least))


async def describe(at_least: str) -> list[str]:
    """Return the level, and why no stronger one is in force."""
    try:
        sandbox = await probe(at_least)
    except CannotStart as error:
        return [f"Rooms cannot start programs here. {error}"]
    lines = [f"Rooms are isolated at level `{sandbox.level}`. {sandbox.level.detail}"]
    return [*lines, f"Not stronger, because of {sandbox.obstacle}"] if sandbox.obstacle else lines
