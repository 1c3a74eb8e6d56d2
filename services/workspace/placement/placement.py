"""Runners of workspaces: one live runner each, remembered as a row, started where the port says."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakValueDictionary

from stateroom.runner.v1 import runner_service_pb2 as runner_pb
from stateroom.runner.v1.runner_service_pb2_grpc import RunnerServiceStub

from chassis import faults, ids
from chassis.actor import Actor
from chassis.database import Database, Transaction
from chassis.errors import DomainError, ServiceUnavailable
from chassis.rpc.channels import BearerToken, Neighbour, open_runner_channel
from services.workspace.placement import store
from services.workspace.placement.store import RunnerRow

START_DEADLINE = 10.0
"""Seconds a runner has to come up."""
STOP_GRACE = 5_000
"""Milliseconds between TERM and KILL when a runner is stopped."""

_STOP_DEADLINE = 15.0  # seconds for a runner to end everything
_LOOK_AGAIN = 0.05  # seconds between looks at a room that another process is about to use, or that a runner leaves
_AFTER_ROW = faults.Point("placement.after_row", "A runner is remembered, and no process of it was started.")

Starter = Callable[[], Awaitable[None]]
"""Starts the runner and waits until it serves. Raises ServiceUnavailable when it does not come up."""


@dataclass(slots=True)
class RunnerHandle:
    """A live runner and the way to it."""

    runner_id: UUID
    workspace_id: UUID
    address: str
    token: str
    certificate: str
    peer: Neighbour = field(init=False)
    stub: Any = field(init=False)

    def __post_init__(self) -> None:
        channel = open_runner_channel(str(self.runner_id), self.address, self.certificate)
        self.peer = Neighbour("runner", channel, BearerToken(self.token))
        self.stub = RunnerServiceStub(self.peer.channel)


class Runners(Protocol):
    """Where runners are processes, or pods."""

    def address(self, runner_id: UUID) -> str:
        """Return the gRPC address a runner serves on."""

    def token(self, runner_id: UUID) -> str:
        """Return the token of a runner. It is derived, so that it is stored nowhere."""

    def vacant(self, runner_id: UUID, workspace_id: UUID) -> AbstractContextManager[Starter | None]:
        """Hold a room for a new runner and give what starts it; None while another lives, starts or ends there."""

    async def holder(self, workspace_id: UUID) -> UUID | None:
        """Return the runner that lives or starts in a room, None when there is none."""

    async def living(self) -> list[tuple[UUID, UUID]]:
        """Return the runners that live or start anywhere, each with its workspace."""


@dataclass(slots=True)
class Placement:
    """Keeps one live runner for each workspace that needs one, together with every other process that does so.

    `admit` locks a workspace for the transaction and raises what forbids it a runner: so none starts behind a deletion.
    """

    database: Database
    runners: Runners
    admit: Callable[[Transaction, UUID], Awaitable[None]]
    _handles: dict[UUID, RunnerHandle] = field(default_factory=dict)
    # A lock is there while somebody holds it or waits for it.
    _locks: WeakValueDictionary[UUID, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def ensure(self, actor: Actor, workspace_id: UUID) -> RunnerHandle:
        """Return the workspace's live runner; start one when there is none.

        Raises:
            ServiceUnavailable: it does not come up, or the one before it does not end.
        """
        async with self._locks.setdefault(workspace_id, asyncio.Lock()):
            give_up_time = time.monotonic() + START_DEADLINE
            while (found := await self._find(actor, workspace_id)) is None:
                runner_id = ids.new()
                with self.runners.vacant(runner_id, workspace_id) as start:
                    if start is not None:
                        return await self._start(actor, runner_id, workspace_id, start)
                if time.monotonic() > give_up_time:
                    raise ServiceUnavailable(service="runner")
                await asyncio.sleep(_LOOK_AGAIN)
            return found

    async def find(self, actor: Actor, workspace_id: UUID) -> RunnerHandle | None:
        """Return the workspace's live runner, or None."""
        async with self._locks.setdefault(workspace_id, asyncio.Lock()):
            return await self._find(actor, workspace_id)

    @asynccontextmanager
    async def kept(self, runner_id: UUID, workspace_id: UUID) -> AsyncIterator[RunnerHandle]:
        """Give the way to a live runner; meanwhile everybody here who asks for it waits."""
        async with self._locks.setdefault(workspace_id, asyncio.Lock()):
            yield await self._handle(runner_id, workspace_id, self.runners.address(runner_id))

    async def stop(self, actor: Actor, runner: RunnerHandle, *, reason: str) -> None:
        """End a runner and all that runs in it; its records stay on disk."""
        request = runner_pb.ShutdownRequest(grace_milliseconds=STOP_GRACE, reason=reason)
        await runner.peer.call(runner.stub.Shutdown, request, timeout=_STOP_DEADLINE)
        await self.database.write(actor, store.end_runner, workspace_id=runner.workspace_id)
        await self._forget(runner.workspace_id)

    async def close(self) -> None:
        """Close all channels. The runners go on."""
        for workspace_id in list(self._handles):
            await self._forget(workspace_id)

    async def _start(self, actor: Actor, runner_id: UUID, workspace_id: UUID, start: Starter) -> RunnerHandle:
        """Remember a runner, then start it: should we die in between, the room is empty and the row says nothing."""
        address = self.runners.address(runner_id)
        await self.database.write(
            actor, self._remember, runner_id=runner_id, workspace_id=workspace_id, address=address
        )
        _AFTER_ROW.reach()
        await start()
        return await self._handle(runner_id, workspace_id, address)

    async def _remember(self, tx: Transaction, *, runner_id: UUID, workspace_id: UUID, address: str) -> None:
        await self.admit(tx, workspace_id)
        await store.replace_runner(tx, runner_id=runner_id, workspace_id=workspace_id, address=address)

    async def _find(self, actor: Actor, workspace_id: UUID) -> RunnerHandle | None:
        row = await self.database.read(actor, store.find_live_runner, workspace_id=workspace_id)
        if row is None or await self.runners.holder(workspace_id) != row.runner_id:
            await self._forget(workspace_id)
            return None
        known = self._handles.get(workspace_id)
        if known is not None and known.runner_id == row.runner_id:
            return known
        return await self._adopt(row, workspace_id)

    async def _adopt(self, row: RunnerRow, workspace_id: UUID) -> RunnerHandle:
        """Meet a runner that another process started, maybe a moment ago: wait until it serves."""
        handle = await self._handle(row.runner_id, workspace_id, row.address, row.certificate)
        try:
            await handle.peer.call(handle.stub.GetStatus, runner_pb.GetStatusRequest(), timeout=START_DEADLINE)
        except DomainError:
            await self._forget(workspace_id)
            raise
        return handle

    async def _handle(self, runner_id: UUID, workspace_id: UUID, address: str, certificate: str = "") -> RunnerHandle:
        known = self._handles.get(workspace_id)
        if known is not None and known.runner_id == runner_id:
            return known  # somebody may be calling it: a closed channel would cancel that
        await self._forget(workspace_id)
        handle = RunnerHandle(runner_id, workspace_id, address, self.runners.token(runner_id), certificate)
        self._handles[workspace_id] = handle
        return handle

    async def _forget(self, workspace_id: UUID) -> None:
        known = self._handles.pop(workspace_id, None)
        if known is not None:
            await known.peer.channel.close(None)
