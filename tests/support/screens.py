"""A device that attaches to a session, as a program sees it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from stateroom.session.v1 import attach_pb2 as pb
from stateroom.session.v1.session_service_pb2_grpc import SessionServiceStub

from tests.support.stage import Stage
from tests.support.waiting import PATIENCE

STEP = 32 * 1024
"""Bytes between two acknowledgements, as our clients do it."""


class Screen:
    """One attached device. It acknowledges what it shows and closes its side at the end, unless told not to."""

    def __init__(self, call: Any, *, acknowledges: bool, says_goodbye: bool) -> None:  # a stream of grpc.aio
        self.call = call
        self.attached = pb.AttachSessionResponse.Attached()
        self.output = bytearray()
        self.others: list[pb.AttachSessionResponse] = []
        self._acknowledges = acknowledges
        self._says_goodbye = says_goodbye
        self._acknowledged = 0

    async def send(self, **message: Any) -> None:  # any part of the request
        """Say something."""
        await self.call.write(pb.AttachSessionRequest(**message))

    async def type(self, text: str) -> None:
        """Type."""
        await self.send(input=pb.AttachSessionRequest.Input(data=text.encode()))

    async def step(self) -> str:
        """Take the next message and return its kind; empty when the stream is over."""
        async with asyncio.timeout(PATIENCE):
            message = await self.call.read()
        if not message:
            return ""
        kind: str = message.WhichOneof("message")
        if kind == "output":
            assert message.output.offset == self.attached.offset + len(self.output)
            self.output += message.output.data
            await self._acknowledge()
        elif kind == "attached":
            self.attached = message.attached
        else:
            self.others.append(message)
        if kind == "ended" and self._says_goodbye:
            await self.call.done_writing()
        return kind

    async def until(self, wanted: bytes) -> None:
        """Read until the output holds these bytes."""
        while wanted not in self.output:
            assert await self.step(), bytes(self.output[-500:])

    async def until_told(self, kind: str) -> Any:  # that part of the message
        """Read until a message of this kind and return it."""
        while True:
            found = [message for message in self.others if message.WhichOneof("message") == kind]
            if found:
                return getattr(found[-1], kind)
            assert await self.step(), kind

    async def _acknowledge(self) -> None:
        offset = self.attached.offset + len(self.output)
        if self._acknowledges and offset >= self._acknowledged + STEP:
            self._acknowledged = offset
            await self.send(ack=pb.AttachSessionRequest.Acknowledge(offset=offset))


@asynccontextmanager
async def attach(
    stage: Stage,
    session_id: str,
    channel: grpc.aio.Channel | None = None,
    *,
    acknowledges: bool = True,
    says_goodbye: bool = True,
    method: Any = None,
    **wishes: Any,
) -> AsyncIterator[Screen]:
    """Attach a device, over a connection of its own if it has one, or by another `method` of the stage's.

    `wishes` are fields of its first message.
    """
    stub: Any = stage.stub if channel is None else SessionServiceStub(channel)
    call = (method or stub.AttachSession)(metadata=stage.bearer())
    screen = Screen(call, acknowledges=acknowledges, says_goodbye=says_goodbye)
    try:
        await screen.send(attach=pb.AttachSessionRequest.Attach(session_id=session_id, **wishes))
        assert await screen.step() == "attached"
        yield screen
    finally:
        call.cancel()
