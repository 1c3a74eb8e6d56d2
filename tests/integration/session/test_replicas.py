"""Two session services on one database, each with devices of the same sessions."""

import re
from contextlib import AsyncExitStack

import pytest
from stateroom.session.v1 import attach_pb2 as pb

from tests.support.screens import Screen, attach
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

SCRIPT = "stty -echo; for i in $(seq 60); do seq $((i*1000)) $((i*1000+999)); sleep 0.05; done; read -r; exit 6\n"
NUMBERS = list(range(1000, 61000))


@pytest.mark.invariant("I7")
@pytest.mark.invariant("I8")
async def test_replica_that_copies_is_killed_the_other_takes_over_and_devices_miss_nothing(
    stage: Stage, other: Stage
) -> None:
    """Each replica copies one of two sessions and shows both; whoever was at the dead one goes on at the other."""
    sessions = [await home.create() for home in (stage, other)]
    async with AsyncExitStack() as stack:
        dying: list[Screen] = []
        staying: list[Screen] = []
        for session in sessions:
            first = await stack.enter_async_context(attach(stage, session.session_id, role=pb.CONTROLLER))
            second = await stack.enter_async_context(attach(other, session.session_id, role=pb.OBSERVER))
            await first.type(SCRIPT)
            dying.append(first)
            staying.append(second)
        for screen in (*dying, *staying):
            await screen.until(b"\n10000\r\n")
        await stage.kill_service()
        for session, old, kept in zip(sessions, dying, staying, strict=True):
            offset = len(old.output)
            again = await stack.enter_async_context(
                attach(other, session.session_id, role=pb.CONTROLLER, take_over=True, offset=offset)
            )
            await again.until(b"\n60999\r\n")
            await again.type("go on\n")
            assert (await again.until_told("ended")).exit_code == 6
            await kept.until_told("ended")
            stored = await other.output(session.session_id)
            assert bytes(old.output + again.output) == bytes(kept.output) == stored
            assert [int(line) for line in re.findall(rb"(?<=[\r\n])(\d+)\r\n", stored)] == NUMBERS
            assert (await other.get(session.session_id)).log_complete
