"""The port to runners: where the one of a workspace is, and calls to it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import grpc
from stateroom.runner.v1 import record_pb2, screen_service_pb2
from stateroom.runner.v1 import runner_service_pb2 as pb
from stateroom.runner.v1.runner_service_pb2_grpc import RunnerServiceStub
from stateroom.runner.v1.screen_service_pb2_grpc import ScreenServiceStub
from stateroom.runner.v1.terminal_service_pb2_grpc import TerminalServiceStub
from stateroom.terminal.v1.screen_pb2 import Screen
from stateroom.workspace.v1 import workspace_service_pb2 as workspace_pb
from stateroom.workspace.v1.workspace_service_pb2_grpc import WorkspaceServiceStub

from chassis import cancellation
from chassis.errors import DomainError
from chassis.rpc.channels import BearerToken, Neighbour, open_runner_channel
from services.session.sessions.domain import Session
from services.session.sessions.errors import SessionNotActive

NAME = "runner"
OVER = frozenset({"TERMINAL_ENDED", "TERMINAL_NOT_FOUND"})
"""Reasons for which a runner refuses what is asked of a terminal because it is over."""
NO_RUNNER = frozenset({"WORKSPACE_NOT_FOUND", "WORKSPACE_NOT_ACTIVE", "RUNNER_NOT_FOUND"})
"""Reasons for which the workspace service has no runner to offer."""

START = 28.0
"""Seconds that the workspace service has to start a runner: a little less than those who wait for us have patience."""
KEPT = 60.0
"""Seconds that a runner which nobody asks for is remembered."""

InputStream = Any
"""A bidirectional call of grpc.aio, which is not generic at run time."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Runner:
    """One run of a workspace's runner."""

    runner_id: str
    workspace_name: str
    repository_url: str
    peer: Neighbour
    stub: Any
    """A `RunnerServiceStub` on an asynchronous channel, which its generated type does not know of."""
    terminals: Any
    """Likewise a `TerminalServiceStub`."""

    async def call(self, method: Callable[..., Awaitable[T]], request: object) -> T:
        """Make a unary call. Raises the runner's own error, or ServiceUnavailable when it does not answer."""
        return await self.peer.call(method, request)

    def records(self, session_id: UUID, after: int) -> AsyncIterator[record_pb2.StreamRecordsResponse]:
        """Stream a terminal's records after a sequence. Raises as `call` does."""
        request = record_pb2.StreamRecordsRequest(session_id=str(session_id), after_sequence=after)
        return self.peer.stream(self.stub.StreamRecords, request)

    async def terminal(self, session_id: UUID) -> pb.Terminal | None:
        """Return a terminal that runs or has records nobody acknowledged, as it is now."""
        found: pb.Status = await self.call(self.stub.GetStatus, pb.GetStatusRequest())
        return next((terminal for terminal in found.terminals if terminal.session_id == str(session_id)), None)

    async def screen(self, session_id: UUID) -> Screen:
        """Return what a terminal shows."""
        stub = ScreenServiceStub(self.peer.channel)
        return await self.call(stub.GetScreen, screen_service_pb2.GetScreenRequest(session_id=str(session_id)))

    def open_input(self) -> InputStream:
        """Open a stream of writes, each answered in order."""
        return self.stub.StreamInput(metadata=self.peer.metadata())


@dataclass(slots=True)
class Runners:
    """Runners by workspace, as the workspace service knows them, remembered until somebody doubts it or nobody asks.

    They are remembered by account too: what one account was told is no answer to another, which may not know of it.
    """

    workspace: Neighbour
    _found: dict[tuple[UUID, UUID], tuple[float, Runner]] = field(default_factory=dict)
    """With the time of the last use."""
    # By runner, because the address of one that ended may be another's: a channel that no Runner holds is closed.
    _channels: WeakValueDictionary[tuple[str, str], grpc.aio.Channel] = field(default_factory=WeakValueDictionary)

    async def find(self, account_id: UUID, workspace_id: UUID) -> Runner:
        """Return a workspace's runner. Raises what the workspace service answers when it has none."""
        known = self._found.get((account_id, workspace_id))
        if known is None:
            return await self._ask(account_id, workspace_id, for_new_work=False)
        self._found[account_id, workspace_id] = (time.monotonic(), known[1])
        return known[1]

    async def enter(self, account_id: UUID, workspace_id: UUID) -> Runner:
        """Return a workspace's runner for something new, which the workspace service may refuse; so it is asked."""
        return await self._ask(account_id, workspace_id, for_new_work=True)

    async def ask(
        self, session: Session, method: Callable[[Runner], Callable[..., Awaitable[T]]], request: object
    ) -> T:
        """Make a call about a session to the runner that it lives in; `method` finds what is called there.

        Raises:
            SessionNotActive: its terminal is over.
            DomainError: what the workspace service or the runner has against it.
        """
        runner = await self.find(session.account_id, session.workspace_id)
        try:
            return await runner.call(method(runner), request)
        except DomainError as exc:
            self.forget(session.workspace_id)
            if exc.reason in OVER:
                raise SessionNotActive(session.session_id, "STOPPED") from exc
            raise

    def forget(self, workspace_id: UUID) -> None:
        """Ask the workspace service again next time."""
        for key in [key for key in self._found if key[1] == workspace_id]:
            del self._found[key]

    async def run(self) -> None:
        """Let go of runners that nobody asks for, until cancelled: each channel costs both sides, also unused."""
        while True:
            cancellation.heed()
            await asyncio.sleep(KEPT / 4)
            old = time.monotonic() - KEPT
            self._found = {key: known for key, known in self._found.items() if known[0] > old}

    async def close(self) -> None:
        """Close all channels."""
        for channel in list(self._channels.values()):
            await channel.close(None)

    async def _ask(self, account_id: UUID, workspace_id: UUID, *, for_new_work: bool) -> Runner:
        request = workspace_pb.GetRunnerRequest(
            workspace_id=str(workspace_id), account_id=str(account_id), for_new_work=for_new_work
        )
        stub = WorkspaceServiceStub(self.workspace.channel)
        runner = self._runner(await self.workspace.call(stub.GetRunner, request, timeout=START))
        self._found[account_id, workspace_id] = (time.monotonic(), runner)
        return runner

    def _runner(self, found: workspace_pb.Runner) -> Runner:
        key = (found.runner_id, found.address)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = open_runner_channel(*key, found.certificate)
        return Runner(
            found.runner_id,
            found.workspace_name,
            found.repository_url,
            Neighbour(NAME, channel, BearerToken(found.token), patient=False),
            RunnerServiceStub(channel),
            TerminalServiceStub(channel),
        )
