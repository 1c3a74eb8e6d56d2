"""CleanUpService: what the schedule does, by hand and for one account."""

from dataclasses import dataclass

from stateroom.workspace.v1 import clean_up_service_pb2 as pb

from chassis.rpc.call import Call
from services.workspace.clean_up import convert
from services.workspace.clean_up.cleaning import Cleaning


@dataclass(frozen=True, slots=True)
class CleanUpServicer:
    """Serves stateroom.workspace.v1.CleanUpService."""

    cleaning: Cleaning

    async def CleanUpWorkspaces(self, request: pb.CleanUpWorkspacesRequest, call: Call) -> pb.CleanUpWorkspacesResponse:
        """Clean up the caller's account."""
        return convert.outcome_to_proto(await self.cleaning.run(call.actor, dry_run=request.dry_run))
