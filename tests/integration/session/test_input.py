"""What is typed and how large the terminal is."""

from functools import partial

import grpc
import pytest
from stateroom.session.v1 import attach_pb2 as pb
from stateroom.session.v1 import session_service_pb2 as service
from stateroom.session.v1 import update_pb2

from chassis import ids
from tests.support.screens import attach
from tests.support.stage import Stage, reason
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share


async def test_write_session_with_the_same_request_id_types_once(stage: Stage) -> None:
    """A repeated write changes nothing."""
    session = await stage.create()
    request = service.WriteSessionRequest(
        session_id=session.session_id, data=b"echo o''nce\n", request_id=str(ids.new())
    )
    for _ in range(3):
        await stage.call("WriteSession", request)
    await stage.type(session.session_id, "exit")
    assert (await stage.output(session.session_id)).count(b"once\r\n") == 1


async def test_resize_session_reaches_the_program_and_other_devices(stage: Stage) -> None:
    """An old etag is refused; the new size is told, shown and in the log."""
    session = await stage.create()
    request = update_pb2.ResizeSessionRequest(
        session_id=session.session_id, columns=111, rows=22, etag=session.etag, request_id=str(ids.new())
    )
    async with attach(stage, session.session_id) as screen:
        resized = await stage.call("ResizeSession", request)
        assert (resized.columns, resized.rows) == (111, 22)
        told = await screen.until_told("resized")
        assert (told.columns, told.rows) == (111, 22)
        await screen.type("stty size\n")
        await screen.until(b"22 111")
        assert (await stage.call("ResizeSession", request)).etag == resized.etag
        again = update_pb2.ResizeSessionRequest(session_id=session.session_id, columns=80, rows=24, etag=session.etag)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stage.call("ResizeSession", again)
        assert reason(refused.value) == "ETAG_MISMATCH"


@pytest.mark.invariant("I10")
async def test_attach_session_typed_lines_arrive_once_and_in_order(stage: Stage) -> None:
    """Three thousand numbered lines, typed faster than they are read."""
    session = await stage.create()
    async with attach(stage, session.session_id, role=pb.CONTROLLER) as screen:
        await screen.type("stty -echo; cat > typed\n")
        for number in range(3000):
            await screen.type(f"line {number}\n")
        await screen.type("\x04wc -l typed; uniq typed | wc -l; exit\n")
        await screen.until_told("ended")
    assert screen.output.count(b"3000") == 2


@pytest.mark.invariant("I12")
async def test_input_is_stored_nowhere(stage: Stage) -> None:
    """What is typed while echo is off leaves no trace in any table."""
    session = await stage.create()
    async with attach(stage, session.session_id, role=pb.CONTROLLER) as screen:
        await screen.type("stty -echo; echo re''ady; read -r secret; stty echo; echo do''ne\n")
        await screen.until(b"ready\r\n")
        await screen.type("hunter-forty-two\n")
        await screen.until(b"done\r\n")
        await screen.type("exit\n")
        await screen.until_told("ended")
    for table in ("sessions", "session_events", "session_heads", "changes", "outbox"):
        assert not [row for row in await stage.rows(table) if "hunter-forty-two" in repr(row)]


async def test_attachments_are_gone_when_their_device_is(stage: Stage) -> None:
    """A closed connection frees control."""
    session = await stage.create()
    async with attach(stage, session.session_id, role=pb.CONTROLLER):
        assert not await _nobody_attached(stage)
    await until(partial(_nobody_attached, stage))
    await stage.type(session.session_id, "exit")
    await stage.ended(session.session_id)


async def _nobody_attached(stage: Stage) -> bool:
    return not await stage.rows("session_attachments")
