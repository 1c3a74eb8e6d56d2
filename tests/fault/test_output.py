"""I7, I8: whatever part dies while programs print, every device and the log get every byte, once and in order."""

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
from tests.support.sessions import (
    attached,
    create_workspace,
    ended,
    make_repository,
    opened_session,
    output,
    shown,
)
from tests.support.waiting import PATIENCE

LINES, SLOW_LINES = 10_000, 150
NOISE = random.Random(7).randbytes(1024 * 1024)  # noqa: S311  # the same bytes in each run
"""Every byte value there is: NUL, broken UTF-8, and by chance the beginnings of escape sequences."""
BEGIN = b"the output begins\n"
SCRIPT = f"""
stty -opost -echo
echo '{BEGIN.decode().strip()}'
for part in $(seq $1); do
    seq -f "line %.0f of part $part of $2" {LINES}
    cat noise
    for number in $(seq {SLOW_LINES}); do echo "slow line $number of part $part"; sleep 0.01; done
done
exit $2
""".encode()
SESSIONS = 3
DROPS = 4
"""How often each second device is dropped, for each part of the output."""


def printed(parts: int, number: int) -> bytes:
    """Return what the script of a session prints."""
    return BEGIN + b"".join(
        b"".join(b"line %d of part %d of %d\n" % (line, part, number) for line in range(1, LINES + 1))
        + NOISE
        + b"".join(b"slow line %d of part %d\n" % (line, part) for line in range(1, SLOW_LINES + 1))
        for part in range(1, parts + 1)
    )


@pytest.mark.thorough
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("killed", [("session", "postgres", "nats"), ("gateway", "workspace")], ids="-".join)
async def test_output_of_three_sessions_parts_are_killed_no_byte_is_lost(
    killed: tuple[str, ...], embedded_stack: EmbeddedStack, client: Client, rounds: int
) -> None:
    """One part of the installation after the other dies while all print, and devices drop out as they please."""
    stack, name, parts = embedded_stack, f"output-{ids.new().hex[-8:]}", len(killed) * rounds
    repository = await make_repository(stack.folder / name, {"noise": NOISE, "print.sh": SCRIPT})
    workspace_id = (await create_workspace(client, name, repository))["workspaceId"]
    async with AsyncExitStack() as opened:
        sessions = [await opened.enter_async_context(opened_session(client, workspace_id)) for _ in range(SESSIONS)]
        pairs = [await _devices(opened, stack, session_id, PATIENCE * rounds) for session_id in sessions]
        async with asyncio.TaskGroup() as group:
            for number, (first, second) in enumerate(pairs, 1):
                await first.device.type(b"exec bash print.sh %d %d\n" % (parts, number))
                group.create_task(_drop(second, len(printed(parts, number)), DROPS * parts))
            for part in range(1, parts + 1):
                for first, _ in pairs:
                    await shown(first, b"slow line 10 of part %d\n" % part)
                await stack.kill(killed[part % len(killed)])
            for device in (device for pair in pairs for device in pair):
                await ended(device)
        for number, (session_id, pair) in enumerate(zip(sessions, pairs, strict=True), 1):
            await _expect_whole(client, session_id, number, parts, pair)


async def _devices(
    opened: AsyncExitStack, stack: EmbeddedStack, session_id: str, seconds: float
) -> tuple[Recorder, Recorder]:
    first = attached(stack.api, Wish(session_id, role="CONTROLLER", device="first"), seconds)
    second = attached(stack.api, Wish(session_id, role="OBSERVER", device="second"), seconds)
    return await opened.enter_async_context(first), await opened.enter_async_context(second)


async def _drop(device: Recorder, size: int, times: int) -> None:
    """Cut a device's connection at random places of the output."""
    for place in sorted(random.sample(range(size), times)):
        await device.until(partial(_has, place))
        device.device.cut()


def _has(size: int, device: Recorder) -> bool:
    return len(device.data) >= size


async def _expect_whole(
    client: Client, session_id: str, number: int, parts: int, pair: tuple[Recorder, Recorder]
) -> None:
    """Expect the log and both devices to have exactly what the program wrote, and its exit code to be kept."""
    written, stored = printed(parts, number), await output(client, session_id)
    assert sha256(stored[-len(written) :]).digest() == sha256(written).digest()
    for device in pair:
        assert sha256(device.data).digest() == sha256(stored).digest()
    session = await client.get(f"/v1/sessions/{session_id}")
    assert (session["state"], session["exitCode"], int(session["outputBytes"])) == ("STOPPED", number, len(stored))
    assert session["logComplete"]
