"""The ways to runners that this process knows, closed when nobody has used them for a while."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from stateroom.runner.v1.runner_service_pb2_grpc import RunnerServiceStub

from chassis import cancellation
from chassis.rpc.channels import BearerToken, Neighbour, open_runner_channel
from services.workspace.placement.store import Purpose

KEPT = 60.0
"""Seconds that a way is kept open for whoever comes next: it costs both sides a connection, and pings."""


@dataclass(slots=True, weakref_slot=True)
class RunnerHandle:
    """A live runner and the way to it. The channel is open for as long as somebody has the handle."""

    runner_id: UUID
    workspace_id: UUID
    address: str
    token: str
    certificate: str
    purpose: Purpose
    use_noted: float = field(default_factory=time.monotonic)
    """When the database was last told that somebody needs it."""
    peer: Neighbour = field(init=False)
    stub: Any = field(init=False)

    def __post_init__(self) -> None:
        channel = open_runner_channel(str(self.runner_id), self.address, self.certificate)
        self.peer = Neighbour("runner", channel, BearerToken(self.token))
        self.stub = RunnerServiceStub(self.peer.channel)


@dataclass(slots=True)
class Handles:
    """One handle for each workspace. Whoever calls a runner has its handle, so none is closed under a call."""

    _open: WeakValueDictionary[UUID, RunnerHandle] = field(default_factory=WeakValueDictionary)
    _used: dict[UUID, tuple[float, RunnerHandle]] = field(default_factory=dict)

    def find(self, workspace_id: UUID, runner_id: UUID) -> RunnerHandle | None:
        """Return the way to a runner, if it is open, and keep it open for a while."""
        known = self._open.get(workspace_id)
        if known is None or known.runner_id != runner_id:
            return None
        self._used[workspace_id] = (time.monotonic(), known)
        return known

    async def add(self, handle: RunnerHandle) -> RunnerHandle:
        """Keep a way open, in place of the one to the runner before."""
        await self.forget(handle.workspace_id)
        self._open[handle.workspace_id] = handle
        self._used[handle.workspace_id] = (time.monotonic(), handle)
        return handle

    async def forget(self, workspace_id: UUID, runner_id: UUID | None = None) -> None:
        """Close the way to a runner that is gone; to whichever is known, unless it is said to which."""
        known = self._open.get(workspace_id)
        if known is None or (runner_id is not None and known.runner_id != runner_id):
            return
        self._used.pop(workspace_id, None)
        del self._open[workspace_id]
        await known.peer.channel.close(None)

    async def close(self) -> None:
        """Close all."""
        for workspace_id in list(self._open):
            await self.forget(workspace_id)

    async def run(self) -> None:
        """Let go of what nobody uses, until cancelled."""
        while True:
            cancellation.heed()
            await asyncio.sleep(KEPT / 4)
            old = time.monotonic() - KEPT
            self._used = {id_: (used, handle) for id_, (used, handle) in self._used.items() if used > old}
