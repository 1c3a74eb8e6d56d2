"""A program whose output nobody stores waits, and loses nothing."""

import asyncio
from pathlib import Path

from runner.sandbox import Sandbox
from runner.terminals import Terminals
from tests.support.runner_rooms import Follower, open_live, type_line
from tests.support.waiting import PATIENCE

LIMIT = 256 * 1024
LINES = 100_000


async def test_output_full_spool_blocks_until_acknowledged(room_folder: Path, sandbox: Sandbox) -> None:
    """With a full spool the program stands still; acknowledging lets it go on, and every line arrives once."""
    async with asyncio.TaskGroup() as group:
        table = Terminals(room_folder, sandbox, LIMIT, group)
        terminal = await open_live(table)
        follower = Follower(terminal.spool)
        await type_line(terminal, f"stty -opost -echo; echo RE''ADY; seq {LINES}; exit")
        async with asyncio.timeout(PATIENCE):
            while not terminal.spool.full:
                assert await follower.step()
        assert terminal.running
        assert terminal.spool.end_offset < LIMIT + 128 * 1024
        async with asyncio.timeout(PATIENCE):
            more = True
            while more:
                terminal.acknowledge(follower.records[-1].sequence)
                more = await follower.step()
        assert (
            bytes(follower.output).split(b"READY\n")[1].startswith(b"".join(b"%d\n" % n for n in range(1, LINES + 1)))
        )
        await table.shutdown(0, "test")
