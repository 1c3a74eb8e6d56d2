"""The screen of a session: from its runner while it runs, from the log after that."""

from dataclasses import dataclass
from uuid import UUID

from stateroom.terminal.v1.screen_pb2 import Screen

from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError
from services.session.sessions import convert, queries
from services.session.sessions.domain import Session
from services.session.sessions.live.runners import Runners


@dataclass(frozen=True, slots=True)
class Screens:
    """Finds screens."""

    database: Database
    runners: Runners

    async def get(self, actor: Actor, session_id: UUID) -> Screen:
        """Return what a session shows, or what it showed when that was last stored. SessionNotFound, EditorSession."""
        session = await self.database.read(actor, queries.get_session, session_id=session_id)
        session.expect_process()
        if session.state.runs:
            try:
                runner = await self.runners.find(session.account_id, session.workspace_id)
                return await runner.screen(session_id)
            except DomainError:  # it has just ended, or its runner is away; what is stored is older, and says so
                self.runners.forget(session.workspace_id)
        return await self._stored(actor, session)

    async def _stored(self, actor: Actor, session: Session) -> Screen:
        _, stored = await self.database.read(actor, queries.find_screen, session_id=session.session_id)
        if stored:
            return convert.screen_from_runner(stored, text=True)
        return Screen(columns=session.columns, rows=session.rows)
