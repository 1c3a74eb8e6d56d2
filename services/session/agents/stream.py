"""The stream of an agent's events: replay and what happens now are the same thing, the log after a place."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from stateroom.session.v1 import coding_agent_service_pb2 as pb

from chassis.database import Database
from chassis.rpc.call import Call
from services.session.agents import convert
from services.session.sessions import queries
from services.session.sessions.domain import Session
from services.session.sessions.live.devices import Devices
from services.session.sessions.live.feed import Feed
from services.session.sessions.live.feeds import Feeds
from services.session.sessions.live.reader import BATCH
from services.session.sessions.log import Range, Record, RecordType


@dataclass(frozen=True, slots=True)
class Streams:
    """Streams events of agents."""

    database: Database
    feeds: Feeds
    devices: Devices

    async def events(
        self, call: Call, session: Session, after: int
    ) -> AsyncGenerator[pb.StreamAgentEventsResponse, None]:
        """Stream the events after a place until the session ends. NoAgent, SlowConsumer."""
        session.expect_agent()
        feed = self.feeds.of(session) if session.state.runs else None
        with self.devices.taking(call, session.session_id, feed, after) as (awake, taker):
            while True:
                awake.clear()
                over = feed is None or feed.over
                records = await self._next(call, session, feed, after)
                for record in records:
                    after = record.sequence
                    if record.type is RecordType.AGENT:
                        taker.wait_for()
                        yield convert.event_to_proto(record)
                        taker.go_on()
                        taker.acknowledged = after
                if not records:
                    if over:
                        return
                    await awake.wait()

    async def _next(self, call: Call, session: Session, feed: Feed | None, after: int) -> list[Record]:
        """Return what follows: from memory, or what memory has no more from PostgreSQL."""
        records = feed.ring.after(after, BATCH) if feed is not None else None
        if records is None:
            records = await self.database.read(
                call.actor,
                queries.list_records,
                session_id=session.session_id,
                wanted=Range(after),
                limit=queries.PAGE_EVENTS,
            )
        return records
