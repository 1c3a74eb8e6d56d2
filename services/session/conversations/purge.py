"""Purging: a deleted context goes with everything in it once its time is up."""

from contextlib import suppress
from dataclasses import dataclass

from chassis.database import Database
from chassis.reconcile import Claim
from services.session.conversations.errors import ContextNotFound
from services.session.conversations.operations import contexts


@dataclass(frozen=True, slots=True)
class Purge:
    """Works on claimed contexts: each is due when it is to be purged."""

    database: Database

    async def reconcile(self, claim: Claim) -> None:
        """Purge a context."""
        with suppress(ContextNotFound):
            await self.database.write(claim.actor, contexts.purge_context, context_id=claim.entity_id)
