"""LifecycleService: pauses of a session."""

from collections.abc import Callable
from dataclasses import dataclass

from stateroom.session.v1 import lifecycle_service_pb2 as pb
from stateroom.session.v1.session_pb2 import Session

from chassis import ids
from chassis.database import Database
from chassis.rpc.call import Call
from services.session.sessions import convert, operations


@dataclass(frozen=True, slots=True)
class LifecycleServicer:
    """Serves stateroom.session.v1.LifecycleService."""

    database: Database
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
