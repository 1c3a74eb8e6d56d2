"""The session service is told to stop while a device is attached."""

import asyncio
import signal

import grpc
import pytest
from stateroom.session.v1 import attach_pb2 as pb

from tests.support.screens import attach
from tests.support.stage import Stage, reason
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share


async def test_stop_with_a_device_attached_tells_it_to_come_back_and_exits_0(stage: Stage) -> None:
    """The device learns at once that it may attach again, and does so to the next process."""
    session = await stage.create()
    async with attach(stage, session.session_id, role=pb.CONTROLLER) as screen:
        await screen.type("echo here-$((1+1))\n")
        await screen.until(b"here-2")
        stage.service.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await screen.until_told("nothing")
    assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
    assert reason(ended.value) == "SHUTTING_DOWN"
    assert await asyncio.wait_for(stage.service.wait(), PATIENCE) == 0
    await stage.start_service()
    async with attach(stage, session.session_id, role=pb.CONTROLLER) as screen:
        await screen.until(b"here-2")
