"""What the changes of other services mean for sessions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

from stateroom.event.v1.change_pb2 import Change, ChangeHeader

from chassis import trace
from chassis.actor import Actor
from chassis.database import Database
from services.session.sessions import operations
from services.session.sessions.domain import StopReason
from services.session.sessions.errors import SessionNotActive
from services.session.sessions.store import log_store

_ENDS = {"archived": StopReason.WORKSPACE_ARCHIVED, "deleted": StopReason.WORKSPACE_DELETED}
"""Changes of a workspace that end its sessions, and why they then ended."""


@dataclass(frozen=True, slots=True)
class WorkspaceChanges:
    """Ends the sessions of workspaces that are put away. Again changes nothing, so each end commits for itself."""

    database: Database
    wake: Callable[[], None]

    async def apply(self, connection: log_store.Driver, changes: Sequence[Change]) -> None:
        """Apply a run of changes of the workspace service."""
        for change in changes:
            header = ChangeHeader.FromString(change.header)
            if header.entity_type == "workspace" and header.type in _ENDS:
                await self._end_sessions(connection, header, _ENDS[header.type])

    async def _end_sessions(self, connection: log_store.Driver, header: ChangeHeader, reason: StopReason) -> None:
        trace.follow(header.trace_id)
        actor = Actor.of_service(
            "session",
            UUID(header.account_id),
            correlation_id=header.request_id,
            cause_event_id=header.event_id,
        )
        # Only those it found: the workspace may have come back by now, and others may have begun.
        then = header.time.ToDatetime(UTC)
        for session_id in await log_store.live_sessions(connection, UUID(header.entity_id), then):
            try:
                await self.database.write(actor, operations.request_stop, session_id=session_id, reason=reason)
            except SessionNotActive:
                continue
        self.wake()
