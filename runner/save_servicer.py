"""Saves of the room, for callers of the runner."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from stateroom.runner.v1 import save_service_pb2 as pb

from chassis.rpc.call import Call
from runner.saves import Saves


@dataclass(frozen=True, slots=True)
class SaveServicer:
    """Serves stateroom.runner.v1.SaveService."""

    saves: Saves

    async def TakeSave(self, request: pb.TakeSaveRequest, _call: Call) -> AsyncIterator[pb.TakeSaveResponse]:
        """Take a save."""
        async with aclosing(self.saves.take(request)) as parts:
            async for part in parts:
                yield part

    async def RestoreSave(self, requests: AsyncIterator[pb.RestoreSaveRequest], _call: Call) -> pb.RestoreSaveResponse:
        """Restore a save."""
        branch = await self.saves.restore(await anext(requests, pb.RestoreSaveRequest()), requests)
        return pb.RestoreSaveResponse(branch=branch)
