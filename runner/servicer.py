"""The runner's contract, method by method."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from stateroom.runner.v1 import record_pb2
from stateroom.runner.v1 import runner_service_pb2 as pb

from chassis.rpc.call import Call
from runner import convert
from runner.clone import Workspace
from runner.errors import OutputTrimmed, RunnerInUse
from runner.sandbox import Sandbox
from runner.terminal import Size
from runner.terminals import Terminals
from runner.upgrade import Upgrade

ANSWERED_WRITES = 32
"""Writes that share an answer: one for each key would cost as much as the key."""

_MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class RunnerServicer:
    """Serves one room. `stop` is called once a Shutdown call has ended everything."""

    runner_id: str
    workspace_id: str
    sandbox: Sandbox
    workspace: Workspace
    terminals: Terminals
    upgrade: Upgrade
    stop: Callable[[], None]
    other_calls: Callable[[], int]
    """How many calls are open beside the one that asks."""
    start_time: int = field(default_factory=time.time_ns)

    async def GetStatus(self, _request: pb.GetStatusRequest, _call: Call) -> pb.Status:
        """Tell what the runner is."""
        return pb.Status(
            runner_id=self.runner_id,
            workspace_id=self.workspace_id,
            sandbox=self.sandbox.level.value,
            sandbox_detail=self.sandbox.level.detail,
            start_time=convert.time_to_proto(self.start_time),
            sandbox_obstacle=self.sandbox.obstacle,
            version=self.upgrade.code.version,
            prepared=self.workspace.prepared,
            terminals=map(convert.terminal_to_proto, self.terminals.noteworthy()),
        )

    async def Prepare(self, request: pb.PrepareRequest, _call: Call) -> AsyncIterator[pb.PrepareResponse]:
        """Make the workspace's directory."""
        async for progress in self.workspace.prepare(request.repository_url, request.branch):
            yield convert.progress_to_proto(progress)

    async def OpenTerminal(self, request: pb.OpenTerminalRequest, _call: Call) -> pb.Terminal:
        """Open a terminal."""
        if request.HasField("agent"):
            opened = await self.upgrade.agents.open(convert.agent_order_from_proto(request))
        else:
            opened = await self.terminals.open(convert.order_from_proto(request))
        return convert.terminal_to_proto(opened)

    async def CheckTerminal(self, request: pb.CheckTerminalRequest, _call: Call) -> pb.CheckTerminalResponse:
        """Refuse a terminal that cannot be opened."""
        if request.terminal.HasField("agent"):
            self.upgrade.agents.check(convert.agent_order_from_proto(request.terminal))
        else:
            self.terminals.check(convert.order_from_proto(request.terminal))
        return pb.CheckTerminalResponse()

    async def WriteTerminal(self, request: pb.WriteTerminalRequest, _call: Call) -> pb.WriteTerminalResponse:
        """Type into a terminal."""
        await self.terminals.live(request.session_id).input.write(request.data, request.lease_epoch, request.write_id)
        return pb.WriteTerminalResponse()

    async def StreamInput(
        self, requests: AsyncIterator[pb.WriteTerminalRequest], call: Call
    ) -> AsyncIterator[pb.WriteTerminalResponse]:
        """Type into a terminal, many times."""
        written = 0
        async for request in requests:
            answer = await self.WriteTerminal(request, call)
            written += 1
            if written % ANSWERED_WRITES == 0:
                yield answer

    async def ResizeTerminal(self, request: pb.ResizeTerminalRequest, _call: Call) -> pb.Terminal:
        """Resize a terminal."""
        if request.lease_epoch:
            self.terminals.live(request.session_id).input.claim(request.lease_epoch)
        return convert.terminal_to_proto(self.terminals.resize(request.session_id, Size(request.columns, request.rows)))

    async def SignalTerminal(self, request: pb.SignalTerminalRequest, _call: Call) -> pb.Terminal:
        """Signal a terminal's processes."""
        grace = request.grace_milliseconds / _MILLISECONDS
        return convert.terminal_to_proto(await self.terminals.signal(request.session_id, request.signal, grace))

    async def StreamRecords(
        self, request: record_pb2.StreamRecordsRequest, _call: Call
    ) -> AsyncIterator[record_pb2.StreamRecordsResponse]:
        """Stream a terminal's records."""
        spool, after = self.terminals.get(request.session_id).spool, request.after_sequence
        if after + 1 < spool.first_sequence:
            raise OutputTrimmed(after, spool.first_sequence)
        while await spool.wait(after):
            records = await spool.read(after)
            yield convert.records_to_proto(records)
            after = records[-1].sequence

    async def AcknowledgeRecords(self, request: record_pb2.AcknowledgeRecordsRequest, _call: Call) -> pb.Terminal:
        """Drop records that are stored elsewhere."""
        return convert.terminal_to_proto(await self.terminals.acknowledge(request.session_id, request.sequence))

    async def Upgrade(self, _request: pb.UpgradeRequest, _call: Call) -> pb.UpgradeResponse:
        """Become the code that is installed now."""
        return pb.UpgradeResponse(upgrading=await self.upgrade.want())

    async def Shutdown(self, request: pb.ShutdownRequest, _call: Call) -> pb.ShutdownResponse:
        """End every terminal, then the runner."""
        if request.unless_in_use and (self.terminals.noteworthy() or self.other_calls()):
            raise RunnerInUse
        await self.terminals.shutdown(request.grace_milliseconds / _MILLISECONDS, request.reason)
        self.stop()
        return pb.ShutdownResponse()
