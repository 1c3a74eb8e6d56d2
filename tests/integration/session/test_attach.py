"""Devices attached to a session."""

import asyncio
import random
import time
from hashlib import sha256

import grpc
import pytest
from stateroom.session.v1 import attach_pb2 as pb
from stateroom.session.v1 import log_pb2, session_pb2

from tests.support.screens import attach
from tests.support.stage import Stage, reason

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

LOUD = "head -c 3000000 /dev/urandom | base64 | head -c 3000000"


async def test_attach_session_two_devices_and_an_observer_see_the_same(stage: Stage) -> None:
    """What one types all see, to the byte, and each is told how the session ended."""
    session = await stage.create()
    async with (
        attach(stage, session.session_id, role=pb.CONTROLLER, columns=90, rows=30) as first,
        attach(stage, session.session_id) as second,
        attach(stage, session.session_id, role=pb.OBSERVER) as observer,
    ):
        assert (first.attached.role, second.attached.role) == (pb.CONTROLLER, pb.OBSERVER)
        await first.type("stty size; echo over-$((20+3)); exit 3\n")
        for screen in (first, second, observer):
            ended = await screen.until_told("ended")
            assert (ended.exit_code, ended.stop_reason) == (3, session_pb2.Session.EXIT)
            assert ended.end_offset == len(screen.output)
        assert b"30 90" in first.output
        assert b"over-23" in first.output
        assert first.output == second.output == observer.output
        assert await first.step() == ""
        assert await first.call.code() == grpc.StatusCode.OK


async def test_attach_session_a_key_comes_back_within_milliseconds(stage: Stage) -> None:
    """The median of 200 echoes stays below 10 ms on a busy machine."""
    session = await stage.create()
    async with attach(stage, session.session_id, role=pb.CONTROLLER) as screen:
        await screen.type("cat\n")
        await screen.until(b"cat\r\n")
        times = []
        for index in range(200):
            began = time.perf_counter()
            size = len(screen.output)
            await screen.type(chr(97 + index % 26))
            while len(screen.output) == size:
                await screen.step()
            times.append(time.perf_counter() - began)
    assert sorted(times)[100] < 0.010, f"median {sorted(times)[100] * 1000:.2f} ms"


async def test_attach_session_taking_over_changes_both_roles(stage: Stage) -> None:
    """The one who had control is told, and the other's keys count."""
    session = await stage.create()
    async with (
        attach(stage, session.session_id, role=pb.CONTROLLER) as first,
        attach(stage, session.session_id, role=pb.OBSERVER) as second,
    ):
        await second.send(take_control=pb.AttachSessionRequest.TakeControl())
        assert (await second.until_told("role_changed")).role == pb.CONTROLLER
        assert (await first.until_told("role_changed")).role == pb.OBSERVER
        await second.type("echo mine-$((1+1))\n")
        await first.until(b"mine-2")
        async with attach(stage, session.session_id, role=pb.CONTROLLER, take_over=True) as third:
            assert third.attached.role == pb.CONTROLLER
            assert (await second.until_told("role_changed")).role in {pb.CONTROLLER, pb.OBSERVER}


async def test_attach_session_as_a_second_controller_is_refused(stage: Stage) -> None:
    """Nobody loses control to a device that does not ask to take over, nor to a write."""
    session = await stage.create()
    async with attach(stage, session.session_id, role=pb.CONTROLLER):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await _from(stage, session.session_id, 0, role=pb.CONTROLLER)
        assert reason(refused.value) == "CONTROLLER_TAKEN"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stage.type(session.session_id, "echo")
        assert reason(refused.value) == "CONTROLLER_TAKEN"


async def test_attach_session_observer_that_types_is_told_read_only(stage: Stage) -> None:
    """The stream ends with the reason, and nothing was typed."""
    session = await stage.create()
    async with attach(stage, session.session_id, role=pb.OBSERVER) as observer:
        await observer.type("exit\n")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await observer.until_told("ended")
    assert reason(refused.value) == "READ_ONLY"
    assert (await stage.get(session.session_id)).state == session_pb2.Session.ACTIVE


@pytest.mark.invariant("I8")
async def test_attach_session_at_any_offset_gets_exactly_the_rest(stage: Stage) -> None:
    """While it prints and afterwards, every device has the same bytes from where it began."""
    session = await stage.create()
    await stage.type(session.session_id, f"{LOUD}; exit")
    live = [_from(stage, session.session_id, 0) for _ in range(3)]
    whole = await asyncio.gather(*live)
    assert len({sha256(data).digest() for data in whole}) == 1
    assert len(whole[0]) > 3_000_000
    for offset in [0, len(whole[0]), *random.choices(range(len(whole[0])), k=6)]:  # noqa: S311  # places to try, no secrets
        assert sha256(await _from(stage, session.session_id, offset)).digest() == sha256(whole[0][offset:]).digest()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _from(stage, session.session_id, len(whole[0]) + 1)
    assert reason(refused.value) == "OFFSET_OUT_OF_RANGE"


async def test_attach_session_acknowledging_after_the_end_ends_well(stage: Stage) -> None:
    """A device that acknowledges all it got, the end too, learns how the session ended, not that a write failed."""
    session = await stage.create()
    await stage.type(session.session_id, "exit 4\n")
    for _ in range(30):
        async with attach(stage, session.session_id, says_goodbye=False) as screen:
            assert (await screen.until_told("ended")).exit_code == 4
            for offset in range(1, 4):
                await screen.send(ack=pb.AttachSessionRequest.Acknowledge(offset=offset))
            await screen.call.done_writing()
            assert await screen.step() == ""
            assert await screen.call.code() == grpc.StatusCode.OK


@pytest.mark.invariant("I9")
async def test_attach_session_slow_device_is_detached_and_stalls_nobody(stage: Stage) -> None:
    """One that acknowledges nothing gets its credit and no more; another reads everything."""
    await stage.kill_service()
    await stage.start_service(SLOW_DEVICE_SECONDS="1")
    session = await stage.create()
    async with (
        attach(stage, session.session_id, role=pb.OBSERVER, acknowledges=False) as slow,
        attach(stage, session.session_id, role=pb.CONTROLLER) as normal,
    ):
        await normal.type(f"{LOUD}; echo d''one\n")
        await normal.until(b"done\r\n")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await slow.until_told("ended")
    assert reason(refused.value) == "SLOW_CONSUMER"
    assert len(slow.output) == slow.attached.credit_bytes


async def test_stream_output_from_the_middle_gets_exactly_the_rest(stage: Stage) -> None:
    """A stream without acknowledgements reads the same log."""
    session = await stage.create()
    await stage.type(session.session_id, "seq 1000; exit")
    whole = await stage.output(session.session_id)
    assert await stage.output(session.session_id, 777) == whole[777:]
    first = await stage.call("ListSessionEvents", log_pb2.ListSessionEventsRequest(session_id=session.session_id))
    assert [event.sequence for event in first.session_events] == list(range(1, len(first.session_events) + 1))


async def _from(stage: Stage, session_id: str, offset: int, role: pb.AttachRole.ValueType = pb.OBSERVER) -> bytes:
    async with attach(stage, session_id, role=role, offset=offset) as screen:
        await screen.until_told("ended")
        return bytes(screen.output)
