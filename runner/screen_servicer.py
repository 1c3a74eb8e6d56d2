"""What terminals show, for callers of the runner."""

from dataclasses import dataclass

from stateroom.runner.v1 import screen_service_pb2 as pb
from stateroom.terminal.v1.screen_pb2 import Screen

from chassis.rpc.call import Call
from runner.terminals import Terminals


@dataclass(frozen=True, slots=True)
class ScreenServicer:
    """Serves stateroom.runner.v1.ScreenService."""

    terminals: Terminals

    async def GetScreen(self, request: pb.GetScreenRequest, _call: Call) -> Screen:
        """Return what a terminal shows."""
        return self.terminals.live(request.session_id).screen()
