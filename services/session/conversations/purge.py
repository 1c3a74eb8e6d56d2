"""Purging: a deleted context goes with everything in it once its time is up."""

from dataclasses import dataclass
from datetime import UTC, datetime

from chassis.database import Database
from chassis.reconcile import Claim
from services.session.conversations import queries
from services.session.conversations.errors import ContextNotFound
from services.session.conversations.operations import contexts


@dataclass(frozen=True, slots=True)
class Purge:
    """Works on claimed contexts: each is due when it is to be purged."""

    database: Database

    async def reconcile(self, claim: Claim) -> float | None:
        """Purge a context, unless it was brought back or is not to go yet."""
        try:
            context = await self.database.read(claim.actor, queries.get_context, context_id=claim.entity_id)
            if context.purge_time is None:
                return None
            remaining = (context.purge_time - datetime.now(UTC)).total_seconds()
            if remaining > 0:
                return remaining
            await self.database.write(claim.actor, contexts.purge_context, context_id=claim.entity_id)
        except ContextNotFound:  # another one did it
            return None
        return None
