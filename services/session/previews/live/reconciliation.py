"""What the reconciler does for a preview: it looks how it is, and the row says so."""

from dataclasses import dataclass

from chassis.database import Database
from chassis.reconcile import Claim
from services.session.previews import operations, queries
from services.session.previews.domain import Preview, State
from services.session.previews.live.health import Health
from services.session.sessions import queries as session_queries

_STARTING = 0.5
"""Seconds between looks at one that has not answered yet."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Works on claimed previews."""

    database: Database
    health: Health

    async def reconcile(self, claim: Claim) -> float | None:
        """Note how a preview is; returns when to look again, None for one that is stopped or whose command ended."""
        actor = claim.actor
        preview = await self.database.read(actor, queries.get_preview, preview_id=claim.entity_id)
        if preview.state is State.STOPPED:
            return None
        if preview.session_id is not None:
            session = await self.database.read(actor, session_queries.get_session, session_id=preview.session_id)
            if session.state.final:
                await self.database.write(actor, operations.note_end, preview_id=preview.preview_id, session=session)
                return None
        visited = await self.database.read(actor, queries.is_visited, preview_id=preview.preview_id)
        problem = await self.health.problem(preview, visited=visited)
        if problem:
            noted = await self.database.write(
                actor, operations.note_failure, preview_id=preview.preview_id, cause=problem
            )
        elif preview.state is State.LIVE:
            noted = preview
        else:
            noted = await self.database.write(actor, operations.note_answer, preview_id=preview.preview_id)
        return _next_look(noted)


def _next_look(preview: Preview) -> float:
    return _STARTING if preview.state is State.GENERATING else preview.health_interval.total_seconds()
