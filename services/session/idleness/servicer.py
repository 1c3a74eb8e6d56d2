"""IdleService: sessions in which nothing works."""

from collections.abc import Callable
from dataclasses import dataclass

from stateroom.session.v1 import idle_service_pb2 as pb

from chassis import masks
from chassis.database import Database
from chassis.rpc.call import Call
from services.session.idleness import convert, operations, queries
from services.session.idleness.watch import IdleWatch


@dataclass(frozen=True, slots=True)
class IdleServicer:
    """Serves stateroom.session.v1.IdleService."""

    database: Database
    watch: IdleWatch
    wake_watch: Callable[[], None]

    async def GetIdlePolicy(self, _request: pb.GetIdlePolicyRequest, call: Call) -> pb.IdlePolicy:
        """Return the account's policy."""
        policy = await self.database.read(call.actor, queries.policy_of, account_id=call.account_id)
        return convert.policy_to_proto(policy)

    async def UpdateIdlePolicy(self, request: pb.UpdateIdlePolicyRequest, call: Call) -> pb.IdlePolicy:
        """Change the account's policy."""
        names = masks.fields_to_set(request.idle_policy, request.update_mask)
        values = convert.values_from_proto(request.idle_policy, names)
        policy = await self.database.write(call.actor, operations.update_idle_policy, values=values, etag=request.etag)
        self.wake_watch()
        return convert.policy_to_proto(policy)

    async def CleanUpIdleSessions(
        self, request: pb.CleanUpIdleSessionsRequest, call: Call
    ) -> pb.CleanUpIdleSessionsResponse:
        """End the sessions that are idle, or say which would end."""
        found = await self.watch.clean_up(call.actor, dry_run=request.dry_run)
        return pb.CleanUpIdleSessionsResponse(findings=[convert.finding_to_proto(*each) for each in found])
