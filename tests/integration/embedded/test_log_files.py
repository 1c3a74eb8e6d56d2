"""Log files of a process that goes on writing while they begin again."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from embedded import polling
from embedded.log_files import LIMIT, begin_again, keep_short
from embedded.process import ManagedProcess, Program

SCRIPT = """
import signal
signal.signal(signal.SIGUSR1, lambda *_: print("later", flush=True))
print("before", flush=True)
while True:
    signal.pause()
"""


async def test_begin_again_while_a_process_writes_keeps_the_old_lines_and_takes_new_ones(private_folder: Path) -> None:
    """What is written later stands at the beginning of the file, what was written before beside it, both private."""
    log, old = private_folder / "log", private_folder / "log.1"
    process = await ManagedProcess.start(Program("It", [sys.executable, "-c", SCRIPT], log, {"PATH": os.defpath}))
    try:
        assert await polling.until(lambda: log.read_text() == "before\n", 10)
        begin_again(log, len("before\n"))
        assert not old.exists()
        begin_again(log, len("before\n") - 1)
        os.kill(process.pid, signal.SIGUSR1)
        assert await polling.until(lambda: log.read_text() == "later\n", 10)
        assert old.read_text() == "before\n"
        assert {path.stat().st_mode & 0o777 for path in (log, old)} == {0o600}
    finally:
        await process.stop(5)


async def test_keep_short_one_file_too_long_begins_again_beside_a_missing_one(private_folder: Path) -> None:
    """A file that is not there yet keeps no other from being looked at."""
    log = private_folder / "log"
    log.touch()
    os.truncate(log, LIMIT + 1)
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(keep_short(lambda: [private_folder / "none", log]))
        assert await polling.until(lambda: log.stat().st_size == 0, 10)
        keeping.cancel()
    assert (private_folder / "log.1").stat().st_size == LIMIT + 1
