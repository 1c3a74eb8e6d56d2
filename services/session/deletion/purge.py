"""Purging: a deleted session goes with its log once its time is up."""

from contextlib import suppress
from dataclasses import dataclass

from chassis.database import Database
from chassis.reconcile import Claim
from services.session.deletion import operations
from services.session.sessions.errors import SessionNotFound

_NOT_YET = 30.0
"""Seconds between looks at one that lives, or of which its runner still has output."""


@dataclass(frozen=True, slots=True)
class Purge:
    """Works on what is to be purged: the session first, so that nobody finds half a log, then the log in batches."""

    database: Database

    async def reconcile(self, claim: Claim) -> float | None:
        """Purge a session, as far as another one has not, unless it is not to go yet."""
        with suppress(SessionNotFound):
            gone = await self.database.write(claim.actor, operations.purge_session, session_id=claim.entity_id)
            if not gone:
                return _NOT_YET
        while not await self.database.write(claim.actor, operations.purge_records, session_id=claim.entity_id):
            pass
        return None
