"""Run as a program in a mount namespace of its own: a room on a disk of one megabyte, and a write of two.

Prints the reason of the refusal, the old content, and what is left beside the workspace.
"""

import asyncio
import subprocess
import sys
from pathlib import Path

from chassis.errors import DomainError
from runner.files.servicer import FileServicer
from runner.git import Git
from runner.sandbox import Level, Sandbox
from tests.support.file_rooms import read, write


async def _main(room: Path) -> None:
    for name in ("files", "staging"):
        (room / name).mkdir()
    sandbox = Sandbox(Level.PROCESS, room, [])
    files = FileServicer.of(room, sandbox, Git(room, sandbox))
    await write(files, "a", b"old")
    try:
        await write(files, "a", *[b"x" * 65536] * 32)
    except DomainError as error:
        sys.stdout.write(f"{error.reason} {await read(files, 'a')!r} {list((room / 'staging').iterdir())}")


if __name__ == "__main__":
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", sys.argv[1]], check=True)
    asyncio.run(_main(Path(sys.argv[1])))
