"""What the changes of workspaces mean for previews."""

from dataclasses import dataclass

from chassis.database import Database
from services.session.previews import operations, store
from services.session.previews.errors import PreviewNotFound
from services.session.sessions.consumers import PutAway
from services.session.sessions.domain import StopReason

_CAUSES = {
    StopReason.WORKSPACE_ARCHIVED: "Its workspace was archived.",
    StopReason.WORKSPACE_DELETED: "Its workspace was deleted.",
}
"""What stopped previews say."""


@dataclass(frozen=True, slots=True)
class PreviewsOfWorkspaces:
    """Stops previews."""

    database: Database

    async def stop(self, connection: store.Driver, put_away: PutAway) -> None:
        """Stop those of a workspace that was put away."""
        cause = _CAUSES[put_away.reason]
        for preview_id in await store.running_previews(connection, put_away.workspace_id, put_away.time):
            try:
                await self.database.write(put_away.actor, operations.stop_preview, preview_id=preview_id, cause=cause)
            except PreviewNotFound:  # deleted meanwhile
                continue
