"""What a controlling device types: a stream to the runner that stays open, so that a key costs no call of its own.

Each write has an id and is kept until the runner has answered it; after a broken connection it is sent again, and the
runner types it once.
"""

import asyncio
from collections import deque
from itertools import count
from uuid import UUID

import grpc
from stateroom.runner.v1 import runner_service_pb2 as pb

from chassis import cancellation, ids
from chassis.errors import DomainError, ServiceUnavailable
from chassis.rpc import status
from services.session.sessions.domain import Session
from services.session.sessions.live.runners import NAME, InputStream, Runners

UNANSWERED = 256
"""Writes on their way; a device that types faster than the program reads waits."""

ANSWERED_WRITES = 32
"""Writes that the runner answers with one message."""

_RETRY = 0.25  # seconds between attempts to reach the runner


class Keyboard:
    """Types into one session under one input lease."""

    def __init__(self, runners: Runners, session: Session, lease_epoch: int) -> None:
        self.typed = False
        self._runners = runners
        self._session = session
        self._lease_epoch = lease_epoch
        self._session_id = str(session.session_id)
        self._numbers = count(ids.new().int)
        # The first write types nothing: from it on the runner refuses whoever had control before.
        self._pending: deque[pb.WriteTerminalRequest] = deque([self._write(b"")])
        self._room = asyncio.Semaphore(UNANSWERED - 1)
        self._stream: InputStream | None = None

    async def type(self, data: bytes) -> None:
        """Send bytes on their way, after those before them."""
        await self._room.acquire()
        request = self._write(data)
        self._pending.append(request)
        self.typed = True
        if self._stream is not None:
            try:
                await self._stream.write(request)
            except (grpc.RpcError, asyncio.InvalidStateError):
                self._stream = None  # it is sent again on the next one
            except asyncio.CancelledError:
                cancellation.heed()  # else it is the stream that was cancelled, which gRPC tells in the same way

    async def run(self) -> DomainError:
        """Carry writes to the runner until it refuses one; returns why."""
        while True:
            cancellation.heed()
            try:
                await self._carry()
            except ServiceUnavailable:
                self._runners.forget(self._session.workspace_id)
                await asyncio.sleep(_RETRY)
            except DomainError as exc:
                return exc

    def _answered(self) -> None:
        for _ in range(ANSWERED_WRITES):
            self._pending.popleft()
            self._room.release()

    def _write(self, data: bytes) -> pb.WriteTerminalRequest:
        write_id = str(UUID(int=next(self._numbers)))
        return pb.WriteTerminalRequest(
            session_id=self._session_id, data=data, lease_epoch=self._lease_epoch, write_id=write_id
        )

    async def _carry(self) -> None:
        runner = await self._runners.find(self._session.account_id, self._session.workspace_id)
        stream = runner.open_input()
        try:
            sent = 0
            while sent < len(self._pending):
                await stream.write(self._pending[sent])
                sent += 1
            self._stream = stream
            while await stream.read() is not grpc.aio.EOF:  # type: ignore[attr-defined]  # the stubs lack it
                self._answered()
            raise ServiceUnavailable(NAME)
        except asyncio.InvalidStateError as exc:
            raise ServiceUnavailable(NAME) from exc
        except grpc.aio.AioRpcError as exc:
            status.raise_relayed(exc, service=NAME)
        finally:
            self._stream = None
            stream.cancel()
