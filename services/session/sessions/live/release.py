"""Giving terminals back: what a runner still has of an ended session goes into its log, then the runner drops it."""

from dataclasses import dataclass

from chassis.actor import Actor
from chassis.errors import DomainError, TransactionConflict
from chassis.reconcile import Claim
from services.session.sessions import operations, queries
from services.session.sessions.domain import Session
from services.session.sessions.live.follower import Parts
from services.session.sessions.live.runners import OVER
from services.session.sessions.live.source import Source
from services.session.sessions.log import Copy, Head
from services.session.sessions.store import log_store

_LOOK_AGAIN = 0.5  # seconds after which the runner should have dropped the terminal
_ROOM_AWAY = 30.0  # seconds between looks for a room that has no runner at the moment
_GONE = frozenset({"WORKSPACE_NOT_FOUND", "RUNNER_NOT_FOUND"})
"""Reasons for which there never will be a runner: the workspace was deleted, and its runner is gone."""


@dataclass(frozen=True, slots=True)
class Release:
    """Works on claimed heads of logs: each is due from its session's end until the runner has dropped the terminal."""

    parts: Parts

    async def reconcile(self, claim: Claim) -> float | None:
        """Complete a log and have the terminal dropped. Raises what kept it from that; it is then tried again."""
        session = await self.parts.database.read(claim.actor, queries.get_session, session_id=claim.entity_id)
        if not session.has_process:
            return None
        source = Source(self.parts.runners, session)
        try:
            return await self._drop(claim.actor, session, source)
        except DomainError as exc:
            source.doubt()
            if exc.reason in OVER | _GONE:
                return None
            if exc.reason == "WORKSPACE_NOT_ACTIVE":
                return _ROOM_AWAY
            raise

    async def _drop(self, actor: Actor, session: Session, source: Source) -> float | None:
        terminal = await source.terminal()
        if terminal is None:
            return None
        if terminal.running:  # its session failed to start, or is lost, as far as anybody knew
            await source.kill()
            return _LOOK_AGAIN
        if not session.log_complete:
            await self._complete(actor, session, source)
        await source.acknowledge(terminal.end_sequence)
        return _LOOK_AGAIN

    async def _complete(self, actor: Actor, session: Session, source: Source) -> None:
        """Bring what a dead runner left into the log. Nobody else copies it: the session is over."""
        async with self.parts.system.connection() as connection:
            head = await log_store.get_head(connection, session.session_id)
        if head is None:
            return
        notes = self.parts.notes
        async for records in source.records(head.head_sequence):
            copy = Copy(session.session_id, session.account_id, head.copier_epoch, head.head_sequence, tuple(records))
            if await self.parts.database.write(actor, operations.store_noted, copy=copy, note=notes.apply) is None:
                raise TransactionConflict
            last = copy.last
            head = Head(session.session_id, last.sequence, last.end_offset, head.copier_epoch, head.copier_process)
        await self.parts.database.write(actor, operations.complete_log, session_id=session.session_id, end=notes.end)
