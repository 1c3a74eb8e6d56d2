"""What the changes of workspaces mean for contexts: one whose room was deleted says so."""

from dataclasses import dataclass

from chassis.database import Database
from services.session.conversations.errors import ContextInWrongState, ContextNotFound
from services.session.conversations.operations import contexts
from services.session.conversations.store import context_store as store
from services.session.sessions.consumers import PutAway
from services.session.sessions.domain import StopReason


@dataclass(frozen=True, slots=True)
class ContextsOfWorkspaces:
    """Says in contexts what became of their rooms."""

    database: Database

    async def tell(self, connection: store.Driver, put_away: PutAway) -> None:
        """Tell those of a workspace that was deleted and in which work is not done; archiving comes and goes."""
        if put_away.reason is not StopReason.WORKSPACE_DELETED:
            return
        for context_id in await store.open_contexts(connection, put_away.workspace_id, put_away.time):
            try:
                await self.database.write(put_away.actor, contexts.note_deletion, context_id=context_id)
            except (ContextNotFound, ContextInWrongState):  # deleted or completed meanwhile
                continue
