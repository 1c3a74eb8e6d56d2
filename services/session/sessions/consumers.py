"""What the changes of workspaces mean here: what runs in one that is put away ends, each kind in its own way."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from stateroom.event.v1.change_pb2 import Change, ChangeHeader

from chassis import trace
from chassis.actor import Actor
from chassis.database import Database
from services.session.sessions import operations
from services.session.sessions.domain import StopReason
from services.session.sessions.errors import SessionNotActive
from services.session.sessions.store import log_store

_WAYS = {"archived": StopReason.WORKSPACE_ARCHIVED, "deleted": StopReason.WORKSPACE_DELETED}
"""Changes by which a workspace is put away."""


@dataclass(frozen=True, slots=True)
class PutAway:
    """A workspace that was put away. What began after `time` is another matter: it may have come back by now."""

    workspace_id: UUID
    reason: StopReason
    time: datetime
    actor: Actor


Effect = Callable[[log_store.Driver, PutAway], Awaitable[None]]
"""Ends what runs in such a workspace. Again changes nothing, so that each end commits for itself."""


@dataclass(frozen=True, slots=True)
class WorkspaceChanges:
    """Has what runs in workspaces that are put away ended, in the order of the effects."""

    effects: Sequence[Effect]

    async def apply(self, connection: log_store.Driver, changes: Sequence[Change]) -> None:
        """Apply a run of changes of the workspace service."""
        for change in changes:
            header = ChangeHeader.FromString(change.header)
            if header.entity_type == "workspace" and header.type in _WAYS:
                trace.follow(header.trace_id)
                put_away = _put_away(header)
                for effect in self.effects:
                    await effect(connection, put_away)


@dataclass(frozen=True, slots=True)
class SessionsOfWorkspaces:
    """Ends sessions."""

    database: Database
    wake: Callable[[], None]

    async def end(self, connection: log_store.Driver, put_away: PutAway) -> None:
        """End those of a workspace that was put away."""
        for session_id in await log_store.live_sessions(connection, put_away.workspace_id, put_away.time):
            try:
                await self.database.write(
                    put_away.actor, operations.request_stop, session_id=session_id, reason=put_away.reason
                )
            except SessionNotActive:
                continue
        self.wake()


def _put_away(header: ChangeHeader) -> PutAway:
    actor = Actor.of_service(
        "session", UUID(header.account_id), correlation_id=header.request_id, cause_event_id=header.event_id
    )
    return PutAway(UUID(header.entity_id), _WAYS[header.type], header.time.ToDatetime(UTC), actor)
