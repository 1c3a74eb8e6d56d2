"""The consumer of another service's changes: every one, once, in order, whatever the broker does.

The cursor lives beside the effect, in one transaction. A message that is next is applied; one that was seen is dropped;
a gap, a reconnect or a head that ran ahead is filled from the source's own record. Only that record and signed messages
are believed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg
import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from stateroom.event.v1 import change_service_pb2 as pb
from stateroom.event.v1.change_pb2 import Change
from stateroom.event.v1.change_service_pb2_grpc import ChangeServiceStub

from chassis import digest, logs
from chassis.errors import DomainError
from chassis.relay import SUBJECT, stream_of
from chassis.rpc.channels import Neighbour
from chassis.system import Connection, SystemDatabase

Effect = Callable[[Connection, Sequence[Change]], Awaitable[None]]
"""Applies changes in the consumer's transaction. Called with a run of positions without a gap."""
Rollback = Callable[[Connection, str, int], Awaitable[None]]
"""Told that a source was restored: (transaction, source, last position that still holds)."""

PAGE = 500
HEAD_POLL = 5.0
"""Seconds between looks at the source's head: a lost tail leaves no gap to notice."""

_FETCH = 5.0  # seconds a pull waits; each pull is a new request, a parked one is never trusted
_RETRY = 1.0  # seconds to wait after a failure
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, nats.errors.Error, DomainError)

_ENROL = "INSERT INTO cursors (source) VALUES ($1) ON CONFLICT DO NOTHING"
_LOCK = "SELECT epoch, position FROM cursors WHERE source = $1 FOR UPDATE"
_ADVANCE = "UPDATE cursors SET epoch = $2, position = $3, update_time = now() WHERE source = $1"

_log = logs.get("consumer")


class SourceWentBack(Exception):
    """A source's head lies below the cursor within one epoch: its record was changed behind its back."""


@dataclass(slots=True)
class Consumer:
    """Consumes one source."""

    source: Neighbour
    database: SystemDatabase
    jetstream: JetStreamContext
    key: bytes
    """HMAC key of the source."""
    effect: Effect
    rolled_back: Rollback | None = None

    async def run(self) -> None:
        """Consume until cancelled; failures are logged and tried again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._forever(self._listen))
            group.create_task(self._forever(self._poll))

    async def _forever(self, loop: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await loop()
            except _FAILURES as exc:
                _log.warning("consuming failed, trying again", source=self.source.name, error=repr(exc))
            except SourceWentBack:
                _log.error("the source's record went back within one epoch; consuming stops", source=self.source.name)
                await asyncio.Event().wait()
            await asyncio.sleep(_RETRY)

    async def _poll(self) -> None:
        while True:
            await self.catch_up()
            await asyncio.sleep(HEAD_POLL)

    async def _listen(self) -> None:
        subscription = await self.jetstream.pull_subscribe(
            f"{SUBJECT}.{self.source.name}.>",
            stream=stream_of(self.source.name),
            config=ConsumerConfig(deliver_policy=DeliverPolicy.NEW, ack_policy=AckPolicy.NONE, inactive_threshold=60.0),
        )
        try:
            await self.catch_up()
            while True:
                try:
                    messages = await subscription.fetch(PAGE, timeout=_FETCH)
                except nats.errors.TimeoutError:
                    await subscription.consumer_info()  # a consumer that the broker has forgotten raises here
                    continue
                await self._apply(self._believed(messages))
        finally:
            await subscription.unsubscribe()

    def _believed(self, messages: list[Msg]) -> list[Change]:
        changes = []
        for message in messages:
            change = Change.FromString(message.data)
            signature = (message.headers or {}).get("Stateroom-Signature", "")
            if change.source == self.source.name and digest.signed_by(self.key, change, signature):
                changes.append(change)
            else:
                _log.error(
                    "a message without a valid signature was dropped", source=self.source.name, subject=message.subject
                )
        return changes

    async def catch_up(self) -> None:
        """Read the source's record from the cursor to its head."""
        stub = ChangeServiceStub(self.source.channel)
        while True:
            async with self.database.transaction() as connection:
                _, position = await self._cursor(connection)
            page = await self.source.call(
                stub.ListChanges, pb.ListChangesRequest(after_position=position, page_size=PAGE)
            )
            await self._follow_epoch(page.head)
            await self._apply(list(page.changes))
            if len(page.changes) < PAGE:
                return

    async def _apply(self, changes: list[Change]) -> None:
        gap = False
        async with self.database.transaction() as connection:
            epoch, position = await self._cursor(connection)
            fresh: list[Change] = []
            for change in sorted(changes, key=lambda change: change.position):
                if change.position <= position + len(fresh):
                    continue
                if change.position > position + len(fresh) + 1 or change.epoch < epoch:
                    gap = True
                    break
                fresh.append(change)
            if fresh:
                await self.effect(connection, fresh)
                await connection.execute(_ADVANCE, self.source.name, fresh[-1].epoch, fresh[-1].position)
        if gap:
            await self.catch_up()

    async def _follow_epoch(self, head: pb.Head) -> None:
        async with self.database.transaction() as connection:
            epoch, position = await self._cursor(connection)
            if head.epoch > epoch:
                kept = min(position, head.epoch_base)
                if position > kept and self.rolled_back is not None:
                    await self.rolled_back(connection, self.source.name, kept)
                await connection.execute(_ADVANCE, self.source.name, head.epoch, kept)
            elif head.position < position:
                raise SourceWentBack(self.source.name)

    async def _cursor(self, connection: Connection) -> tuple[int, int]:
        row = await connection.fetchrow(_LOCK, self.source.name)
        if row is None:
            await connection.execute(_ENROL, self.source.name)
            row = await connection.fetchrow(_LOCK, self.source.name)
        return row["epoch"], row["position"]
