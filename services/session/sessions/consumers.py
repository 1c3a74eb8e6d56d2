"""What the changes of other services mean for sessions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from stateroom.event.v1.change_pb2 import Change, ChangeHeader

from chassis import trace
from chassis.actor import Actor
from chassis.database import Database
from services.session.sessions import operations
from services.session.sessions.domain import StopReason
from services.session.sessions.errors import SessionNotActive
from services.session.sessions.store import log_store


@dataclass(frozen=True, slots=True)
class WorkspaceChanges:
    """Ends the sessions of deleted workspaces. Doing so again changes nothing, so each end commits for itself."""

    database: Database
    wake: Callable[[], None]

    async def apply(self, connection: log_store.Driver, changes: Sequence[Change]) -> None:
        """Apply a run of changes of the workspace service."""
        for change in changes:
            header = ChangeHeader.FromString(change.header)
            if (header.entity_type, header.type) == ("workspace", "deleted"):
                await self._end_sessions(connection, header)

    async def _end_sessions(self, connection: log_store.Driver, header: ChangeHeader) -> None:
        trace.follow(header.trace_id)
        actor = Actor(
            account_id=UUID(header.account_id),
            subject="service:session",
            correlation_id=header.request_id,
            cause_event_id=header.event_id,
        )
        for session_id in await log_store.live_sessions(connection, UUID(header.entity_id)):
            try:
                await self.database.write(
                    actor, operations.request_stop, session_id=session_id, reason=StopReason.WORKSPACE_DELETED
                )
            except SessionNotActive:
                continue
        self.wake()
