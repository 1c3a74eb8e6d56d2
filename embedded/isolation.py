"""What a person is told at the start about the walls around rooms."""

import tempfile
from pathlib import Path

from runner import program, room
from runner.program import CannotStart
from runner.sandbox import Level


async def describe(at_least: str) -> list[str]:
    """Try what rooms will try; return the level, and why no stronger one is in force."""
    with tempfile.TemporaryDirectory(prefix="sr-walls-") as folder:
        scratch = Path(folder) / "room"
        room.prepare(scratch)
        try:
            sandbox = await program.probe(scratch, [], at_least=Level(at_least))
        except CannotStart as error:
            return [f"Rooms cannot start programs here. {error}"]
    lines = [f"Rooms are isolated at level `{sandbox.level}`. {sandbox.level.detail}"]
    return [*lines, f"Not stronger, because of {sandbox.obstacle}"] if sandbox.obstacle else lines
