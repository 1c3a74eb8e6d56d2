"""DeletionService: sessions out of sight, and back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from stateroom.session.v1 import deletion_service_pb2 as pb
from stateroom.session.v1.session_pb2 import Session

from chassis import ids
from chassis.database import Database
from chassis.rpc.call import Call
from services.session.deletion import operations
from services.session.sessions import convert


@dataclass(frozen=True, slots=True)
class DeletionServicer:
    """Serves stateroom.session.v1.DeletionService."""

    database: Database
    retention: timedelta
    wake_reconciler: Callable[[], None]

    async def DeleteSession(self, request: pb.DeleteSessionRequest, call: Call) -> Session:
        """Delete a session; the reconciler ends one that lives."""
        session = await self.database.write(
            call.actor,
            operations.delete_session,
            session_id=ids.parse(request.session_id),
            etag=request.etag,
            force=request.force,
            retention=self.retention,
        )
        self.wake_reconciler()
        return convert.session_to_proto(session)

    async def UndeleteSession(self, request: pb.UndeleteSessionRequest, call: Call) -> Session:
        """Bring a deleted session back."""
        session = await self.database.write(
            call.actor, operations.undelete_session, session_id=ids.parse(request.session_id), etag=request.etag
        )
        return convert.session_to_proto(session)
