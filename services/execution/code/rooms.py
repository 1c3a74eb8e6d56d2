"""The port to the runners of workspaces."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import grpc
from stateroom.runner.v1 import record_pb2
from stateroom.runner.v1 import runner_service_pb2 as pb
from stateroom.runner.v1.runner_service_pb2_grpc import RunnerServiceStub
from stateroom.workspace.v1 import workspace_service_pb2 as workspace_pb
from stateroom.workspace.v1.workspace_service_pb2_grpc import WorkspaceServiceStub

from chassis.rpc.channels import BearerToken, Neighbour, open_runner_channel

NO_RUNNER = frozenset({"WORKSPACE_NOT_FOUND", "WORKSPACE_NOT_ACTIVE", "RUNNER_NOT_FOUND"})
"""Reasons for which the workspace service has no runner to offer."""

_START = 28.0  # seconds that the workspace service has to start a runner
_COLUMNS, _ROWS = 80, 24  # of a pipe, which has neither
_KILL = 9


@dataclass(frozen=True, slots=True)
class Room:
    """One run of a workspace's runner. Calls raise its own errors, or ServiceUnavailable when it does not answer."""

    runner_id: str
    peer: Neighbour
    stub: Any
    """A `RunnerServiceStub` on an asynchronous channel, which its generated type does not know of."""

    async def open(self, terminal_id: UUID, errand: pb.Errand, secrets: Mapping[str, str]) -> None:
        """Have one of the runner's programs run, once however often this is called; `secrets` are masked by name."""
        request = pb.OpenTerminalRequest(
            session_id=str(terminal_id),
            piped=True,
            errand=errand,
            columns=_COLUMNS,
            rows=_ROWS,
            environment=secrets,
            secret_names=sorted(secrets),
        )
        await self.peer.call(self.stub.OpenTerminal, request)

    async def records(self, terminal_id: UUID, after: int) -> AsyncGenerator[record_pb2.Record, None]:
        """Stream what a program prints, up to its end."""
        request = record_pb2.StreamRecordsRequest(session_id=str(terminal_id), after_sequence=after)
        async for response in self.peer.stream(self.stub.StreamRecords, request):
            for record in response.records:
                yield record

    async def clean_up(self, terminal_id: UUID) -> bool:
        """Kill a program, or let go of one that has ended; returns whether nothing is left of it."""
        status: pb.Status = await self.peer.call(self.stub.GetStatus, pb.GetStatusRequest())
        for terminal in status.terminals:
            if terminal.session_id == str(terminal_id):
                if terminal.running:
                    killed = pb.SignalTerminalRequest(session_id=terminal.session_id, signal=_KILL)
                    await self.peer.call(self.stub.SignalTerminal, killed)
                    return False
                ended = record_pb2.AcknowledgeRecordsRequest(
                    session_id=terminal.session_id, sequence=terminal.end_sequence
                )
                await self.peer.call(self.stub.AcknowledgeRecords, ended)
        return True


@dataclass(slots=True)
class Rooms:
    """Runners by workspace, as the workspace service knows them at this moment."""

    workspace: Neighbour
    # By runner, because the address of one that ended may be another's: a channel that no Room holds is closed.
    _channels: WeakValueDictionary[tuple[str, str], grpc.aio.Channel] = field(default_factory=WeakValueDictionary)

    async def find(self, account_id: UUID, workspace_id: UUID, *, for_new_work: bool) -> Room:
        """Return a workspace's runner. Raises what the workspace service answers when it has none."""
        request = workspace_pb.GetRunnerRequest(
            workspace_id=str(workspace_id), account_id=str(account_id), for_new_work=for_new_work
        )
        stub = WorkspaceServiceStub(self.workspace.channel)
        found = await self.workspace.call(stub.GetRunner, request, timeout=_START)
        key = (found.runner_id, found.address)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = open_runner_channel(*key, found.certificate)
        peer = Neighbour("runner", channel, BearerToken(found.token), patient=False)
        return Room(found.runner_id, peer, RunnerServiceStub(channel))

    async def close(self) -> None:
        """Close all channels."""
        for channel in list(self._channels.values()):
            await channel.close(None)
