"""LifecycleService: what happens to sessions between their beginning and their end, and after it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from stateroom.session.v1 import lifecycle_service_pb2 as pb
from stateroom.session.v1.session_pb2 import Session

from chassis import ids
from chassis.database import Database
from chassis.rpc.call import Call
from services.session.lifecycle import convert as own
from services.session.lifecycle import queries
from services.session.sessions import convert, operations
from services.session.sessions.live.opening import OWN_NAMES, Opener
from services.session.sessions.queries import get_session


@dataclass(frozen=True, slots=True)
class LifecycleServicer:
    """Serves stateroom.session.v1.LifecycleService."""

    database: Database
    opener: Opener
    wake_reconciler: Callable[[], None]

    async def PauseSession(self, request: pb.PauseSessionRequest, call: Call) -> Session:
        """Have the output of a session stopped."""
        session = await self.database.write(
            call.actor, operations.pause_session, session_id=ids.parse(request.session_id), etag=request.etag
        )
        self.wake_reconciler()
        return convert.session_to_proto(session)

    async def ResumeSession(self, request: pb.ResumeSessionRequest, call: Call) -> Session:
        """Have the output of a session flow again."""
        session = await self.database.write(
            call.actor, operations.resume_session, session_id=ids.parse(request.session_id), etag=request.etag
        )
        self.wake_reconciler()
        return convert.session_to_proto(session)

    async def RestartSession(self, request: pb.RestartSessionRequest, call: Call) -> pb.RestartSessionResponse:
        """Open a session like one that has ended."""
        reader = replace(call.actor, repeat=None)
        ended = await self.database.read(reader, get_session, session_id=ids.parse(request.session_id))
        spec = ended.again(ids.new(), {*request.environment, *OWN_NAMES})
        session = await self.opener.open(call.actor, spec, request.environment)
        missing = sorted({*ended.environment_names} - {*spec.environment_names})
        return pb.RestartSessionResponse(session=convert.session_to_proto(session), missing_environment_names=missing)

    async def GetSessionStatistics(self, request: pb.GetSessionStatisticsRequest, call: Call) -> pb.SessionStatistics:
        """Count sessions."""
        workspace_id = ids.parse(request.workspace_id) if request.workspace_id else None
        counts = await self.database.read(call.actor, queries.count_sessions, workspace_id=workspace_id)
        return own.statistics_to_proto(counts)
