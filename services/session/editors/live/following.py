"""Following an editor: what its log has, then what comes, and where the devices are."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from stateroom.session.v1 import editor_service_pb2 as pb

from chassis.actor import Actor
from chassis.database import Database
from services.session.bell import Bell
from services.session.editors import convert, queries
from services.session.editors.live.watching import Watching
from services.session.sessions import queries as session_queries
from services.session.sessions.domain import Session
from services.session.sessions.log import Range, RecordType


@dataclass(frozen=True, slots=True)
class Following:
    """Reads on for those who follow editors."""

    database: Database
    bell: Bell
    watching: Watching

    async def events(
        self, actor: Actor, session: Session, after: int
    ) -> AsyncGenerator[pb.StreamEditorEventsResponse, None]:
        """Yield what happens after a place in the log until the session ends. NoEditor, LogExpired."""
        session.expect_editor()
        shown = None
        async with self.watching.on(session), aclosing(self.bell.looks(session.session_id)) as looks:
            async for _ in looks:
                # Before the events, so that none is appended in between.
                session = await self.database.read(actor, session_queries.get_session, session_id=session.session_id)
                async for event in self._events(actor, session, after):
                    after = event.sequence
                    yield event
                if session.state.final:
                    return
                cursors = await self.database.read(actor, queries.list_cursors, session_id=session.session_id)
                if cursors != shown:
                    yield convert.cursors_to_proto(cursors, after)
                    shown = cursors

    async def _events(self, actor: Actor, session: Session, after: int) -> AsyncIterator[pb.StreamEditorEventsResponse]:
        """Yield all that is stored."""
        limit = session_queries.PAGE_EVENTS
        while True:
            records = await self.database.read(
                actor,
                session_queries.list_records,
                session_id=session.session_id,
                wanted=Range(after),
                limit=limit,
            )
            for record in records:
                after = record.sequence
                if record.type is RecordType.EDITOR:
                    yield convert.event_to_proto(record)
            if len(records) < limit:
                return
