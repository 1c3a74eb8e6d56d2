"""The relay: numbers committed changes and publishes them.

Positions are given after commit, under a lock on one row, because neither a sequence nor a transaction id is in the
order of commits. Publishing may be late, repeated or lost: the table `changes` is the record, and consumers read it.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
import nats
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StreamConfig
from stateroom.event.v1.change_pb2 import Change, ChangeHeader

from chassis import cancellation, digest, faults, logs, trace
from chassis.database import FAILURES
from chassis.system import Connection, SystemDatabase
from chassis.tables import PARTITION
from chassis.trace import Kind

BATCH = 500
"""Changes numbered in one transaction."""
GATHER = 0.025
"""Seconds for which commits gather before they are numbered: a few transactions a second instead of two for each."""
SWEEP = 0.25
"""Seconds after which the outbox is looked at without a wake-up, for changes committed by other replicas."""
SUBJECT = "stateroom"

_RETRY = 1.0  # seconds to wait after a failure
_HEADERS = 4096  # bytes that the headers of a message take at most; the broker's limit is for both
_OTHER_CONFIGURATION = 10058  # the broker's code for a stream that is there and is configured otherwise
_ACKNOWLEDGED = 5.0  # seconds the broker has for a batch

_MOVE = """
WITH head AS (
    SELECT epoch, position FROM relay_head FOR UPDATE
), taken AS (
    DELETE FROM outbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM outbox ORDER BY id LIMIT $1)) RETURNING *
), moved AS (
    INSERT INTO changes (position, epoch, account_id, header, salt, payload)
    SELECT head.position + row_number() OVER (ORDER BY id), head.epoch, account_id, header, salt, payload
    FROM taken, head
    RETURNING position
)
UPDATE relay_head SET position = COALESCE((SELECT max(position) FROM moved), position)
WHERE EXISTS (SELECT FROM moved) RETURNING position, (SELECT count(*) FROM moved) AS moved
"""
_WORK = """
SELECT (SELECT min(id) FROM outbox) IS NOT NULL AS waiting, relay_head.timeline_id <> now.timeline_id AS restored
FROM relay_head, pg_control_checkpoint() AS now
"""
UNPUBLISHED = """
SELECT * FROM changes WHERE position > (SELECT published_position FROM relay_head) ORDER BY position LIMIT $1
"""
"""Reads the index from that position on; a join with `relay_head` instead would read all changes there ever were."""
_PUBLISHED = "UPDATE relay_head SET published_position = $1 WHERE published_position < $1"
_NEW_TIMELINE = """
UPDATE relay_head SET epoch = epoch + 1, epoch_base = position, timeline_id = now.timeline_id
FROM pg_control_checkpoint() AS now WHERE relay_head.timeline_id <> now.timeline_id RETURNING epoch
"""

_WHILE_NUMBERING = faults.Point("relay.while_numbering", "Changes got positions in a transaction that is still open.")
_AFTER_NUMBERING = faults.Point("relay.after_numbering", "Changes have positions, and the publisher does not know.")
_BEFORE_PUBLISH = faults.Point("relay.before_publish", "Numbered changes were read, and none is published.")
_AFTER_PUBACK = faults.Point("relay.after_puback", "The broker has the changes, and nobody has noted that.")
_AFTER_WATERMARK = faults.Point("relay.after_watermark", "It is noted how far is published; the next batch waits.")

_log = logs.get("relay")


@dataclass(slots=True)
class Relay:
    """Moves the changes of one source from its outbox to `changes` and on to JetStream."""

    source: str
    database: SystemDatabase
    broker: Client
    key: bytes
    """HMAC key of the source, which consumers check."""
    awake: asyncio.Event
    stream_replicas: int = 1

    def wake(self) -> None:
        """Tell the relay that something was committed."""
        self.awake.set()

    async def run(self) -> None:
        """Number and publish until cancelled. Numbering goes on while the broker is away."""
        async with asyncio.TaskGroup() as group:
            publishing = asyncio.Event()
            group.create_task(self._number(publishing))
            group.create_task(self._publish(publishing))

    async def _number(self, publishing: asyncio.Event) -> None:
        while True:
            cancellation.heed()
            await asyncio.sleep(GATHER)
            self.awake.clear()
            try:
                moved = await self.number()
            except FAILURES as exc:
                _log.warning("numbering failed, trying again", source=self.source, error=str(exc))
                await asyncio.sleep(_RETRY)
                continue
            if moved:
                publishing.set()
            if moved < BATCH:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP):
                        await self.awake.wait()

    async def number(self) -> int:
        """Give positions to up to 500 committed changes. Returns how many there were."""
        async with self.database.connection() as connection:
            work = await connection.fetchrow(_WORK)
            if not work["restored"] and not work["waiting"]:
                return 0
            async with connection.transaction():
                if work["restored"]:
                    await self._begin_epoch(connection)
                head = await connection.fetchrow(_MOVE, BATCH)
                position = 0 if head is None else head["position"]
                if position % PARTITION > PARTITION // 2:
                    await connection.execute("SELECT ensure_changes_partition($1)", position + PARTITION)
                _WHILE_NUMBERING.reach()
        _AFTER_NUMBERING.reach()
        return 0 if head is None else int(head["moved"])

    async def _begin_epoch(self, connection: Connection) -> None:
        epoch = await connection.fetchval(_NEW_TIMELINE)
        if epoch is not None:
            _log.warning("the database was restored; a new epoch begins", source=self.source, epoch=epoch)

    async def _publish(self, publishing: asyncio.Event) -> None:
        while True:
            cancellation.heed()
            try:
                published = await self.publish()
            except (*FAILURES, nats.errors.Error) as exc:
                _log.warning("publishing failed, trying again", source=self.source, error=repr(exc))
                await asyncio.sleep(_RETRY)
                continue
            if published < BATCH:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP * 4):
                        await publishing.wait()
                publishing.clear()

    async def publish(self) -> int:
        """Publish up to 500 numbered changes in order and wait for the broker. Returns how many there were."""
        async with self.database.connection() as connection:
            changes = [to_change(self.source, row) for row in await connection.fetch(UNPUBLISHED, BATCH)]
        if not changes:
            return 0
        _BEFORE_PUBLISH.reach()
        began = time.time_ns()
        await self._send(changes)
        trace_changes("publish", Kind.PRODUCER, changes, began)
        _AFTER_PUBACK.reach()
        async with self.database.connection() as connection:
            await connection.execute(_PUBLISHED, changes[-1].position)
        _AFTER_WATERMARK.reach()
        return len(changes)

    async def _send(self, changes: Sequence[Change]) -> None:
        """Publish changes in order and wait until the broker has the last, and so has seen the others.

        It answers for one instead of for each: should it have lost another, consumers find the gap and read the record.
        """
        jetstream = self.broker.jetstream(timeout=_ACKNOWLEDGED)
        limit = self.broker.max_payload - _HEADERS
        # What the broker would not take is left out: consumers find the gap, or the new head, and read the record.
        messages = [message for message in map(self._message, changes) if len(message[1]) <= limit]
        if not messages:
            return
        *others, (subject, payload, headers) = messages
        for other_subject, other_payload, other_headers in others:
            await self.broker.publish(other_subject, other_payload, headers=other_headers)
        try:
            await jetstream.publish(subject, payload, headers=headers)
        except (nats.js.errors.NoStreamResponseError, nats.errors.NoRespondersError):
            await ensure_stream(jetstream, self.source, self.stream_replicas)
            raise

    def _message(self, change: Change) -> tuple[str, bytes, dict[str, str]]:
        header = ChangeHeader.FromString(change.header)
        headers = {
            "Nats-Msg-Id": f"{change.source}/{change.epoch}/{change.position}",
            "Stateroom-Signature": digest.sign(self.key, change),
            "traceparent": f"00-{header.trace_id}-{'0' * 15}1-01" if header.trace_id else "",
            "ce-id": header.event_id,
            "ce-source": f"/{change.source}",
            "ce-type": f"dev.stateroom.{header.entity_type}.{header.type}",
            "ce-time": header.time.ToJsonString(),
        }
        return f"{SUBJECT}.{change.source}.{header.entity_type}.{header.type}", change.SerializeToString(), headers


def to_change(source: str, row: asyncpg.Record) -> Change:
    """Return a row of `changes` as the message that travels."""
    return Change(
        source=source,
        epoch=row["epoch"],
        position=row["position"],
        header=row["header"],
        salt=row["salt"],
        payload=row["payload"],
    )


def trace_changes(verb: str, kind: Kind, changes: Sequence[Change], began: int) -> None:
    """Show what happened to changes from `began` (Unix nanoseconds) until now, each in the trace that made it."""
    if not trace.is_recorded():
        return
    for change in changes:
        header = ChangeHeader.FromString(change.header)
        trace.passed_on(header.trace_id, f"{verb} {header.entity_type}.{header.type}", kind, began)


def stream_of(source: str) -> str:
    """Return the name of a source's stream."""
    return f"CHANGES_{source.upper()}"


async def ensure_stream(jetstream: JetStreamContext, source: str, replicas: int = 1) -> None:
    """Make the source's stream when it is missing: 24 hours, 1 GiB, oldest dropped first; a doorbell, not a record.

    One that is there gets that many `replicas` too.
    """
    stream = StreamConfig(
        name=stream_of(source),
        subjects=[f"{SUBJECT}.{source}.>"],
        max_age=24 * 3600,
        max_bytes=1 << 30,
        discard=DiscardPolicy.OLD,
        num_replicas=replicas,
    )
    try:
        await jetstream.add_stream(stream)
    except nats.js.errors.BadRequestError as exc:
        if exc.err_code != _OTHER_CONFIGURATION:
            raise
        await jetstream.update_stream(stream)
