"""The runner's second contract: what terminals may do while they live."""

from dataclasses import dataclass

from stateroom.runner.v1 import runner_service_pb2, terminal_service_pb2

from chassis.rpc.call import Call
from runner import convert
from runner.terminals import Terminals


@dataclass(frozen=True, slots=True)
class TerminalServicer:
    """Serves one room."""

    terminals: Terminals

    async def PauseTerminal(
        self, request: terminal_service_pb2.PauseTerminalRequest, _call: Call
    ) -> runner_service_pb2.Terminal:
        """Pause a terminal, or have it flow."""
        paused = self.terminals.pause(request.session_id, request.version, paused=request.paused)
        return convert.terminal_to_proto(paused)

    async def GetUsage(self, request: terminal_service_pb2.GetUsageRequest, _call: Call) -> terminal_service_pb2.Usage:
        """Tell what a terminal has used."""
        terminal = self.terminals.live(request.session_id)
        return terminal_service_pb2.Usage(cpu_milliseconds=await terminal.cpu_milliseconds())
