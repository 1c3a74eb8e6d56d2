"""The loop that serves one device: replay and live output are the same thing, the log from an offset on."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from stateroom.session.v1 import attach_pb2 as pb
from stateroom.session.v1 import log_pb2

from chassis import ids
from chassis.actor import Actor
from chassis.errors import DomainError
from chassis.rpc.call import Call
from services.session.sessions import convert, queries
from services.session.sessions.domain import Session
from services.session.sessions.live.desk import Desk
from services.session.sessions.live.device import CREDIT, Device
from services.session.sessions.live.devices import Devices
from services.session.sessions.live.feed import Feed
from services.session.sessions.live.feeds import Feeds
from services.session.sessions.live.liveness import Liveness
from services.session.sessions.live.reader import BATCH, NO_EVENTS, LogReader, Output
from services.session.sessions.log import Record, RecordType
from services.session.sessions.store.leases import Attachment

Response = pb.AttachSessionResponse

FAREWELL = 1.0
"""Seconds for which a device that was told of the end may go on talking, unless it closes its side before."""


@dataclass(frozen=True, slots=True)
class Attachments:
    """Serves devices and streams of output."""

    desk: Desk
    feeds: Feeds
    devices: Devices
    liveness: Liveness

    async def stream(
        self, call: Call, session: Session, offset: int
    ) -> AsyncGenerator[log_pb2.StreamOutputResponse, None]:
        """Stream the output from an offset until the session ends. EditorSession, OffsetOutOfRange, SlowConsumer."""
        session.expect_process()
        feed = self._feed(session)
        reader = LogReader(self.desk.database, call.actor, session, feed, NO_EVENTS)
        with self.devices.taking(call, session.session_id, feed, offset) as (awake, taker):
            await reader.seek(offset)
            while not reader.at_end:
                awake.clear()
                found = await reader.next(BATCH)
                if isinstance(found, Output):
                    taker.wait_for()
                    yield log_pb2.StreamOutputResponse(offset=found.offset, data=found.data)
                    taker.go_on()
                    taker.acknowledged = reader.offset
                elif found is None and not reader.at_end:
                    await awake.wait()

    async def attach(
        self,
        call: Call,
        session: Session,
        wish: pb.AttachSessionRequest.Attach,
        requests: AsyncIterator[pb.AttachSessionRequest],
        *,
        may_control: bool,
    ) -> AsyncGenerator[Response, None]:
        """Serve a device until it goes or the session ends. One that may not control only watches, for ever.

        Raises:
            EditorSession, OffsetOutOfRange, ControllerTaken, SessionWithoutTerminal: it cannot attach like this.
            ReadOnly: it typed or resized while it only watches.
            SlowConsumer: for too long it took nothing, or acknowledged nothing while its credit was used up.
            DeviceSilent: for too long it said nothing.
        """
        session.expect_process()
        await self.liveness.shown.wait()
        feed = self._feed(session)
        reader = LogReader(self.desk.database, call.actor, session, feed, wish.after_sequence)
        person, process = call.principal.name, self.liveness.number
        attachment = Attachment(ids.new(), session.session_id, process, person, wish.device, wish.columns, wish.rows)
        device = Device(self.desk, call, session, attachment)
        device.may_control &= may_control
        device.wants_presence = wish.presence
        self.devices.add(device)
        if feed is not None:
            feed.watch(device.awake)
        try:
            screen = await _seek(reader, wish)
            device.taker.acknowledged = reader.offset
            if feed is not None:
                await self._enter(device, wish)
            yield _attached(device, reader)
            async with self._listening(device, requests):
                async for response in self._serve(device, reader, screen):
                    device.taker.wait_for()
                    yield response
                    device.taker.go_on()
                yield await self._ended(call.actor, session, feed, reader)
        finally:
            await self._leave(device, feed)

    def _feed(self, session: Session) -> Feed | None:
        return self.feeds.of(session) if session.state.runs else None

    async def _enter(self, device: Device, wish: pb.AttachSessionRequest.Attach) -> None:
        await device.attach(wish.role, take_over=wish.take_over and wish.role != pb.OBSERVER)
        self.devices.announce(device)
        if device.lease.controls:
            with suppress(DomainError):  # the device can be resized again
                await device.resize(wish.columns, wish.rows)

    async def _leave(self, device: Device, feed: Feed | None) -> None:
        self.devices.remove(device)
        if feed is not None:
            feed.unwatch(device.awake)
            with suppress(DomainError):  # the row is forgotten with this process at the latest
                await device.detach()

    @asynccontextmanager
    async def _listening(self, device: Device, requests: AsyncIterator[pb.AttachSessionRequest]) -> AsyncIterator[None]:
        listening = self.desk.background.spawn(device.listen(requests))
        try:
            yield
            # A device that was told of the end may be about to acknowledge. Were the stream gone by then, gRPC's client
            # would report that its write failed, and neither the end nor what came before it.
            await asyncio.wait([listening], timeout=FAREWELL)
        finally:
            listening.cancel()

    async def _serve(self, device: Device, reader: LogReader, screen: bytes) -> AsyncIterator[Response]:
        if screen:
            yield Response(screen=convert.screen_from_runner(screen, text=False))
        while not reader.at_end:
            device.awake.clear()
            while device.notices:
                self.devices.announce(device)
                yield device.notices.popleft()
            budget = min(BATCH, device.taker.acknowledged + CREDIT - reader.offset)
            found = await reader.next(budget) if budget > 0 else None
            if found is not None:
                response = _told(found, reader)
                if response is not None:
                    yield response
            elif not reader.at_end:
                if budget <= 0:
                    device.taker.wait_for()
                await device.awake.wait()

    async def _ended(self, actor: Actor, session: Session, feed: Feed | None, reader: LogReader) -> Response:
        ended = feed.ended.result() if feed is not None else session
        if not ended.state.final:
            read = queries.get_session
            ended = await self.desk.database.read(actor, read, session_id=session.session_id)
        end = Response.Ended(
            state=convert.session_to_proto(ended).state,
            stop_reason=convert.stop_reason_to_proto(ended),
            exit_code=ended.exit_code,
            exit_signal=ended.exit_signal,
            end_offset=reader.offset,
        )
        return Response(ended=end)


async def _seek(reader: LogReader, wish: pb.AttachSessionRequest.Attach) -> bytes:
    """Go to where a device wants to begin; return the screen that it begins with, if it wants one and there is one."""
    if wish.screen:
        return await reader.seek_screen()
    await reader.seek(wish.offset)
    return b""


def _attached(device: Device, reader: LogReader) -> Response:
    attached = Response.Attached(
        offset=reader.offset,
        end_offset=reader.end,
        columns=device.session.columns,
        rows=device.session.rows,
        role=device.role,
        credit_bytes=CREDIT,
    )
    return Response(attached=attached)


def _told(found: Output | Record, reader: LogReader) -> Response | None:
    """Return what a device is told of a piece of the log: nothing of bells that rang before, and of the end later."""
    if isinstance(found, Output):
        return Response(output=Response.Output(offset=found.offset, data=found.data))
    if found.type is RecordType.BELL and found.offset <= reader.end:
        return None
    return convert.record_to_device(found)
