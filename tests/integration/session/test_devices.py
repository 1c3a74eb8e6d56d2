"""Who is attached to a session: seen by all, one in control at each moment, gone when it is gone."""

import asyncio
import re
import time
from contextlib import AsyncExitStack
from functools import partial
from itertools import groupby
from typing import Any

import grpc
import pytest
from stateroom.session.v1 import attach_pb2 as pb
from stateroom.session.v1 import session_service_pb2 as service

from tests.support.screens import Screen, attach
from tests.support.stage import PERSON, Stage, reason
from tests.support.waiting import running, until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

RACERS = 10
TURNS = 3
VIEWER = 1


async def _list(stage: Stage, session_id: str) -> list[pb.Attachment]:
    listed = await stage.call("ListAttachments", pb.ListAttachmentsRequest(session_id=session_id))
    return list(listed.attachments)


async def _until_shown(screen: Screen, devices: dict[str, pb.AttachRole.ValueType]) -> None:
    """Read until the device was told of exactly these others, by name, and their roles."""
    while True:
        told = [message.presence for message in screen.others if message.HasField("presence")]
        if told and {each.device: each.role for each in told[-1].attachments} == devices:
            assert told[-1].attachment_count == len(devices)
            return
        assert await screen.step()


async def test_devices_of_two_processes_see_each_other_and_pass_control(stage: Stage, other: Stage) -> None:
    """Who came, who controls and who went is told on both sides, within a second, and listed by either."""
    session_id = (await stage.create()).session_id
    async with attach(stage, session_id, device="a", presence=True, columns=90, rows=30) as first:
        await _until_shown(first, {"a": pb.CONTROLLER})
        async with attach(other, session_id, device="b", presence=True) as second:
            assert second.attached.role == pb.OBSERVER
            for screen in (first, second):
                await _until_shown(screen, {"a": pb.CONTROLLER, "b": pb.OBSERVER})
            began = time.monotonic()
            await second.send(take_control=pb.AttachSessionRequest.TakeControl())
            assert (await first.until_told("role_changed")).role == pb.OBSERVER
            assert time.monotonic() < began + 1
            for screen in (first, second):
                await _until_shown(screen, {"a": pb.OBSERVER, "b": pb.CONTROLLER})
            await second.type("echo th''ere\n")
            await first.until(b"there\r\n")
            mine, theirs = await _list(stage, session_id)
            assert (mine.device, mine.role, mine.columns, mine.rows) == ("a", pb.OBSERVER, 90, 30)
            assert (theirs.device, theirs.role) == ("b", pb.CONTROLLER)
            of_device = service.ListSessionsRequest(attachment_id=mine.attachment_id)
            assert [each.session_id for each in (await stage.call("ListSessions", of_device)).sessions] == [session_id]
            assert (mine.person, bool(mine.user_id)) == (PERSON, True)
            assert mine.attach_time.seconds <= theirs.attach_time.seconds
        await _until_shown(first, {"a": pb.OBSERVER})
        assert [each.device for each in await _list(stage, session_id)] == ["a"]


async def test_list_attachments_tells_how_far_a_device_is(stage: Stage) -> None:
    """What a device acknowledged is seen by others soon after."""
    session_id = (await stage.create()).session_id
    async with attach(stage, session_id, device="phone") as screen:
        await screen.send(ack=pb.AttachSessionRequest.Acknowledge(offset=7))

        async def noted() -> bool:
            return any(each.acknowledged_offset for each in await _list(stage, session_id))

        await until(noted)
        assert [(each.device, each.acknowledged_offset) for each in await _list(stage, session_id)] == [("phone", 7)]


@pytest.mark.invariant("I10")
async def test_devices_that_race_for_control_have_one_writer_at_each_moment(stage: Stage, other: Stage) -> None:
    """Ten devices at two processes take control from each other while they type; no turn goes on once another began."""
    session_id = (await stage.create()).session_id
    async with AsyncExitStack() as stack:
        racers = [
            await stack.enter_async_context(
                attach((stage, other)[number % 2], session_id, role=pb.OBSERVER, device=str(number))
            )
            for number in range(RACERS)
        ]
        watcher = await stack.enter_async_context(attach(stage, session_id))
        await watcher.type("stty -echo; echo RE''ADY; cat; echo\n")
        await watcher.until(b"READY\r\n")
        async with running(*(partial(_read, screen) for screen in (*racers, watcher))):
            await asyncio.gather(*(_take_turns(number, racer) for number, racer in enumerate(racers)))

            async def over() -> bool:  # a wish for control may still be on its way, and then the last word is lost
                controlling = [each.device for each in await _list(stage, session_id) if each.role == pb.CONTROLLER]
                assert len(controlling) == 1
                await racers[int(controlling[0])].type("the end\n")
                return b"the end\r\n" in watcher.output

            await until(over)
    turns = re.findall(rb"(\d+:\d+)\r\n", bytes(watcher.output))
    runs = [turn for turn, _ in groupby(turns)]
    assert len(runs) == len(set(runs)), "a turn went on after another had begun"
    assert len(runs) > 1


async def _take_turns(number: int, screen: Screen) -> None:
    """Take control a few times and type a turn, line by line, of which those after its loss go nowhere."""
    for turn in range(TURNS):
        before = len(_roles(screen))
        await screen.send(take_control=pb.AttachSessionRequest.TakeControl())
        await until(partial(_has_control, screen, before))
        for _ in range(20):
            await screen.type(f"{number}:{turn}\n")


async def _read(screen: Screen) -> None:
    while await screen.step():
        pass


async def _has_control(screen: Screen, before: int) -> bool:
    roles = _roles(screen)
    return pb.CONTROLLER in (*roles[before:], *roles[-1:])


def _roles(screen: Screen) -> list[pb.AttachRole.ValueType]:
    return [message.role_changed.role for message in screen.others if message.HasField("role_changed")]


async def test_observe_session_by_a_viewer_watches_and_nothing_else(stage: Stage) -> None:
    """Who may not type may look; every way to more is refused, and AttachSession is not for viewers."""
    session_id = (await stage.create()).session_id

    viewer = stage.bearer(role=VIEWER)

    def observe(**_: object) -> Any:  # a stream of grpc.aio
        return stage.stub.ObserveSession(metadata=viewer)

    async with attach(stage, session_id, method=observe) as watcher:
        assert watcher.attached.role == pb.OBSERVER
        await stage.type(session_id, "echo se''en")
        await watcher.until(b"seen\r\n")
    more: list[dict[str, Any]] = [
        {"input": pb.AttachSessionRequest.Input(data=b"exit\n")},
        {"resize": pb.AttachSessionRequest.Resize(columns=9, rows=9)},
        {"take_control": pb.AttachSessionRequest.TakeControl()},
    ]
    for message in more:
        async with attach(stage, session_id, method=observe) as watcher:
            await watcher.send(**message)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await watcher.until_told("ended")
        assert reason(refused.value) == "READ_ONLY", message
    for wish in ({"role": pb.CONTROLLER}, {"take_over": True}):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            async with attach(stage, session_id, method=observe, **wish):
                pass
        assert reason(refused.value) == "READ_ONLY", wish
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        async with attach(stage, session_id, method=lambda **_: stage.stub.AttachSession(metadata=viewer)):
            pass
    assert reason(refused.value) == "ROLE_TOO_LOW"


@pytest.mark.thorough
async def test_device_that_vanished_without_a_word_is_detached(stage: Stage) -> None:
    """It is asked, does not answer, and its control is free; one that answers stays."""
    await stage.kill_service()
    await stage.start_service(SILENT_DEVICE_SECONDS="2")
    session_id = (await stage.create()).session_id
    async with (
        attach(stage, session_id, role=pb.OBSERVER) as alive,
        attach(stage, session_id, role=pb.CONTROLLER) as silent,
        running(partial(_answer, alive)),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await silent.until_told("ended")
        assert [message.WhichOneof("message") for message in silent.others] == ["ping"]
        assert reason(refused.value) == "DEVICE_SILENT"
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        await stage.type(session_id, "echo free")
        assert len(await _list(stage, session_id)) == 1


async def _answer(screen: Screen) -> None:
    while await screen.step():
        if screen.others and screen.others.pop().HasField("ping"):
            await screen.send(ack=pb.AttachSessionRequest.Acknowledge(offset=0))
