"""Runners of workspaces: one live runner each, remembered as a row, started where the port says."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakValueDictionary

from stateroom.runner.v1 import runner_service_pb2 as runner_pb
from stateroom.runner.v1.runner_service_pb2_grpc import RunnerServiceStub

from chassis import faults, ids
from chassis.actor import Actor
from chassis.database import Database
from chassis.rpc.channels import BearerToken, Neighbour, open_channel
from services.workspace.placement import store

STOP_GRACE = 5_000
"""Milliseconds between TERM and KILL when a runner is stopped."""

_STOP_DEADLINE = 15.0  # seconds for a runner to end everything
_AFTER_ROW = faults.Point("placement.after_row", "A runner is remembered, and no process of it was started.")


@dataclass(slots=True)
class RunnerHandle:
    """A live runner and the way to it."""

    runner_id: UUID
    workspace_id: UUID
    address: str
    token: str
    peer: Neighbour = field(init=False)
    stub: Any = field(init=False)

    def __post_init__(self) -> None:
        self.peer = Neighbour("runner", open_channel(self.address), BearerToken(self.token))
        self.stub = RunnerServiceStub(self.peer.channel)


class Runners(Protocol):
    """Where runners are processes, or pods."""

    def address(self, runner_id: UUID) -> str:
        """Return the gRPC address a runner serves on."""

    def token(self, runner_id: UUID) -> str:
        """Return the token of a runner. It is derived, so that it is stored nowhere."""

    async def start(self, runner_id: UUID, workspace_id: UUID) -> None:
        """Start a runner and wait until it serves. ServiceUnavailable when it does not come up."""

    async def is_alive(self, runner_id: UUID, workspace_id: UUID) -> bool:
        """Whether this very run of the runner is alive."""


@dataclass(slots=True)
class Placement:
    """Keeps one live runner for each workspace that needs one."""

    database: Database
    runners: Runners
    _handles: dict[UUID, RunnerHandle] = field(default_factory=dict)
    # A lock is there while somebody holds it or waits for it.
    _locks: WeakValueDictionary[UUID, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def ensure(self, actor: Actor, workspace_id: UUID) -> RunnerHandle:
        """Return the workspace's live runner; start one when there is none."""
        async with self._locks.setdefault(workspace_id, asyncio.Lock()):
            found = await self._find(actor, workspace_id)
            if found is not None:
                return found
            runner_id = ids.new()
            address = self.runners.address(runner_id)
            await self.database.write(
                actor, store.replace_runner, runner_id=runner_id, workspace_id=workspace_id, address=address
            )
            _AFTER_ROW.reach()
            await self.runners.start(runner_id, workspace_id)
            return await self._handle(runner_id, workspace_id, address)

    async def find(self, actor: Actor, workspace_id: UUID) -> RunnerHandle | None:
        """Return the workspace's live runner, or None."""
        async with self._locks.setdefault(workspace_id, asyncio.Lock()):
            return await self._find(actor, workspace_id)

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

    async def _find(self, actor: Actor, workspace_id: UUID) -> RunnerHandle | None:
        row = await self.database.read(actor, store.find_live_runner, workspace_id=workspace_id)
        if row is None or not await self.runners.is_alive(row.runner_id, workspace_id):
            await self._forget(workspace_id)
            return None
        return await self._handle(row.runner_id, workspace_id, row.address)

    async def _handle(self, runner_id: UUID, workspace_id: UUID, address: str) -> RunnerHandle:
        known = self._handles.get(workspace_id)
        if known is not None and known.runner_id == runner_id:
            return known
        await self._forget(workspace_id)
        handle = RunnerHandle(runner_id, workspace_id, address, self.runners.token(runner_id))
        self._handles[workspace_id] = handle
        return handle

    async def _forget(self, workspace_id: UUID) -> None:
        known = self._handles.pop(workspace_id, None)
        if known is not None:
            await known.peer.channel.close(None)
