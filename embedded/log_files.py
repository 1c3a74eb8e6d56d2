"""Log files that cannot fill the disk: one that has grown too long begins again, and what it held is kept once."""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

LIMIT = 64 << 20  # bytes
CHECK_SECONDS = 10.0
"""A busy gateway writes about 2 MB a second."""


async def keep_short(files: Callable[[], Iterable[Path]]) -> None:
    """Look after the log files that there are at the moment, for ever."""
    while True:
        for file in files():
            with suppress(OSError):  # not there yet, or the disk is full: it is looked at again
                await asyncio.to_thread(begin_again, file, LIMIT)
        await asyncio.sleep(CHECK_SECONDS)


def begin_again(file: Path, limit: int) -> None:
    """Move what a file longer than `limit` bytes holds to `<name>.1`, in the place of what was there.

    Whoever writes the file has it open for appending, and goes on at its new end; lines of that very moment are lost.
    """
    if file.stat().st_size > limit:
        shutil.copy(file, file.with_name(f"{file.name}.1"))
        os.truncate(file, 0)
