"""ScreenService: what sessions show, without attaching to them."""

from dataclasses import dataclass

from stateroom.session.v1 import screen_service_pb2 as pb
from stateroom.terminal.v1.screen_pb2 import Screen

from chassis import ids
from chassis.rpc.call import Call
from services.session.screens.current import Screens


@dataclass(frozen=True, slots=True)
class ScreenServicer:
    """Serves stateroom.session.v1.ScreenService."""

    screens: Screens

    async def GetScreen(self, request: pb.GetScreenRequest, call: Call) -> Screen:
        """Return what a session shows."""
        return await self.screens.get(call.actor, ids.parse(request.session_id))
