"""What the changes of other services mean for previews."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

from stateroom.event.v1.change_pb2 import Change, ChangeHeader

from chassis import trace
from chassis.actor import Actor
from chassis.database import Database
from services.session.previews import operations, store
from services.session.previews.errors import PreviewNotFound

_STOPS = {"archived": "Its workspace was archived.", "deleted": "Its workspace was deleted."}
"""Changes of a workspace that stop its previews, and what these then say."""


@dataclass(frozen=True, slots=True)
class WorkspaceChanges:
    """Stops the previews of workspaces that are put away. Again changes nothing, so each stop commits for itself."""

    database: Database

    async def apply(self, connection: store.Driver, changes: Sequence[Change]) -> None:
        """Apply a run of changes of the workspace service."""
        for change in changes:
            header = ChangeHeader.FromString(change.header)
            if header.entity_type == "workspace" and header.type in _STOPS:
                await self._stop_previews(connection, header, _STOPS[header.type])

    async def _stop_previews(self, connection: store.Driver, header: ChangeHeader, cause: str) -> None:
        trace.follow(header.trace_id)
        actor = Actor.of_service(
            "session",
            UUID(header.account_id),
            correlation_id=header.request_id,
            cause_event_id=header.event_id,
        )
        # Only those it found: the workspace may have come back by now, and others may have begun.
        then = header.time.ToDatetime(UTC)
        for preview_id in await store.running_previews(connection, UUID(header.entity_id), then):
            try:
                await self.database.write(actor, operations.stop_preview, preview_id=preview_id, cause=cause)
            except PreviewNotFound:  # deleted meanwhile
                continue
