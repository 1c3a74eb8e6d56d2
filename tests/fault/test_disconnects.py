"""I8: three devices lose their connections again and again while a program prints; each assembles exactly the log."""

import asyncio
import random
from contextlib import AsyncExitStack
from functools import partial
from hashlib import sha256

import pytest

from chassis import ids
from cli.attachment import Wish
from cli.client import Client
from embedded.demo.recorder import Recorder
from tests.support.embedded_stack import EmbeddedStack
from tests.support.sessions import attached, create_workspace, ended, make_repository, opened_session, output
from tests.support.waiting import PATIENCE

CUTS = 100
"""Connections that are cut in a round, of all devices together."""
DEVICES = 3
NOISE = random.Random(11).randbytes(256 * 1024)  # noqa: S311  # the same bytes in each run
SCRIPT = """
stty -opost -echo
number=0
while [ -e going ]; do
    cat noise
    for line in $(seq 20); do number=$((number + 1)); echo "line $number"; sleep 0.01; done
done
echo "last line $number"
"""


@pytest.mark.invariant("I8")
@pytest.mark.thorough
@pytest.mark.timeout(1800)
async def test_devices_cut_off_again_and_again_assemble_exactly_the_log(
    embedded_stack: EmbeddedStack, client: Client, rounds: int
) -> None:
    """Wherever in the output a connection breaks, no device has a byte twice or lacks one."""
    stack, name = embedded_stack, f"cuts-{ids.new().hex[-8:]}"
    files = {"noise": NOISE, "print.sh": SCRIPT.encode(), "going": b""}
    repository = await make_repository(stack.folder / name, files)
    workspace_id = (await create_workspace(client, name, repository))["workspaceId"]
    async with AsyncExitStack() as opened:
        session_id = await opened.enter_async_context(opened_session(client, workspace_id))
        wishes = [Wish(session_id, role="CONTROLLER"), *[Wish(session_id, role="OBSERVER")] * (DEVICES - 1)]
        seconds = PATIENCE * rounds
        devices = [await opened.enter_async_context(attached(stack.api, wish, seconds)) for wish in wishes]
        await devices[0].device.type(b"exec bash print.sh\n")
        async with asyncio.TaskGroup() as group:
            for device in devices:
                group.create_task(_cut(device, CUTS * rounds // DEVICES + 1))
        await _delete(client, workspace_id, "going")
        for device in devices:
            await ended(device)
        stored = await output(client, session_id)
    assert sum(device.reconnections for device in devices) >= CUTS * rounds
    assert b"last line" in stored[-100:]
    for device in devices:
        assert sha256(device.data).digest() == sha256(stored).digest()


async def _cut(device: Recorder, times: int) -> None:
    """Cut a device's connection, each time after it was shown a few bytes or many."""
    for cut in range(1, times + 1):
        size = len(device.data) + random.choice((1, 100, 10_000, 200_000))  # noqa: S311  # places to try, no secrets
        await device.until(partial(_has, size))
        device.device.cut()
        await device.until(partial(_was_cut, cut))


def _has(size: int, device: Recorder) -> bool:
    return len(device.data) >= size


def _was_cut(times: int, device: Recorder) -> bool:
    return device.reconnections >= times


async def _delete(client: Client, workspace_id: str, name: str) -> None:
    """Delete a file of a workspace, by a command in it."""
    async with opened_session(client, workspace_id, command=["rm", name]) as session_id:
        await output(client, session_id)
