"""The consumer of another service's changes: every one, once, in order, whatever the broker does.

The cursor lives beside the effect, in one transaction. A message that is next is applied; one that was seen is dropped;
a gap, a reconnect or a head that ran ahead is filled from the source's own record. Only that record and signed messages
are believed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import nats.errors
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from stateroom.event.v1 import change_service_pb2 as pb
from stateroom.event.v1.change_pb2 import Change
from stateroom.event.v1.change_service_pb2_grpc import ChangeServiceStub

from chassis import cancellation, digest, faults, logs
from chassis.database import FAILURES
from chassis.errors import DomainError
from chassis.relay import SUBJECT, stream_of, trace_changes
from chassis.rpc.channels import Neighbour
from chassis.system import Connection, SystemDatabase
from chassis.trace import Kind

Effect = Callable[[Connection, Sequence[Change]], Awaitable[None]]
"""Applies changes in the consumer's transaction. Called with a run of positions without a gap."""
Rollback = Callable[[Connection, str, int], Awaitable[None]]
"""Told that a source was restored: (transaction, source, last position that still holds)."""

PAGE = 500
GATHER = 0.05
"""Seconds for which changes gather while the last ones are applied: one transaction for many instead of for each."""
HEAD_POLL = 5.0
"""Seconds between looks at the source's head: a lost tail leaves no gap to notice."""
_ENROL = "INSERT INTO cursors (source) VALUES ($1) ON CONFLICT DO NOTHING"
_LOCK = "SELECT epoch, position FROM cursors WHERE source = $1 FOR UPDATE"
_ADVANCE = "UPDATE cursors SET epoch = $2, position = $3, update_time = now() WHERE source = $1"

_HEARD = faults.Point("consumer.heard", "Changes are here, and nothing of them is applied.")
_BEFORE_COMMIT = faults.Point(
    "consumer.before_commit", "Changes are applied and the cursor moved; nothing is committed."
)
_AFTER_COMMIT = faults.Point("consumer.after_commit", "Changes are applied, and nothing was made of what follows.")

_log = logs.get("consumer")


class SourceWentBack(Exception):
    """A source's head lies below the cursor within one epoch: its record was changed behind its back."""


class RecordIncomplete(Exception):
    """A source's record skips a position."""


_FETCH = 5.0  # seconds a pull waits; each pull is a new request, a parked one is never trusted
_RETRY = 1.0  # seconds to wait after a failure
_REST = 1.0  # seconds to wait for messages that the broker has said are there
_FAILURES = (RecordIncomplete, *FAILURES, nats.errors.Error, DomainError)


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
    stopped: bool = False
    """Whether the source's record went back, which only a person can set right."""
    position: int = 0
    """The last one applied."""
    head: int = 0
    """The source's last position, as it said when it was last asked, at `asked_at` (Unix seconds)."""
    asked_at: float = 0.0

    @property
    def behind(self) -> int:
        """How many changes the source has that are not applied, as far as is known."""
        return max(self.head - self.position, 0)

    async def run(self) -> None:
        """Consume until cancelled; failures are logged and tried again, a source that went back stops it."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forever(self._listen))
                group.create_task(self._forever(self._poll))
        except* SourceWentBack:
            self.stopped = True
            _log.error("the source's record went back within one epoch; consuming stops", source=self.source.name)
        await asyncio.Event().wait()

    async def _forever(self, loop: Callable[[], Awaitable[None]]) -> None:
        while True:
            cancellation.heed()
            try:
                await loop()
            except _FAILURES as exc:
                _log.warning("consuming failed, trying again", source=self.source.name, error=repr(exc))
            await asyncio.sleep(_RETRY)

    async def _poll(self) -> None:
        while True:
            cancellation.heed()
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
                cancellation.heed()
                await self._hear(self._believed(await _pull(subscription)))
                await asyncio.sleep(GATHER)
        finally:
            with suppress(nats.errors.Error):
                await subscription.unsubscribe()

    def _believed(self, messages: list[Msg]) -> list[Change]:
        """Return the changes among messages that the source itself has signed."""
        changes = []
        for message in messages:
            change = _decoded(message)
            signature = (message.headers or {}).get("Stateroom-Signature", "")
            if (
                change is not None
                and change.source == self.source.name
                and digest.signed_by(self.key, change, signature)
            ):
                changes.append(change)
            else:
                _log.error(
                    "a message without a valid signature was dropped", source=self.source.name, subject=message.subject
                )
        return changes

    async def _hear(self, changes: list[Change]) -> None:
        """Apply what the broker brought, or read the record when that is not what comes next."""
        epochs = {change.epoch for change in changes}
        if epochs and (len(epochs) > 1 or not await self._apply(changes, epochs.pop())):
            await self.catch_up()

    async def catch_up(self) -> None:
        """Read the source's record from the cursor to its head. SourceWentBack, RecordIncomplete."""
        while True:
            cancellation.heed()
            async with self.database.transaction() as connection:
                epoch, position = await self._cursor(connection)
            page = await self._record(position, PAGE)
            self.position, self.head, self.asked_at = position, page.head.position, time.time()
            if page.head.epoch > epoch:
                await self._follow(page.head, epoch, position)
                continue
            if page.head.epoch < epoch or page.head.position < position:
                raise SourceWentBack(self.source.name)
            if [change.position for change in page.changes] != list(
                range(position + 1, position + 1 + len(page.changes))
            ):
                raise RecordIncomplete(self.source.name)
            applied = await self._apply(page.changes, epoch)
            if applied and (not page.changes or page.changes[-1].position >= page.head.position):
                return

    async def _record(self, after_position: int, page_size: int) -> pb.ListChangesResponse:
        request = pb.ListChangesRequest(after_position=after_position, page_size=page_size)
        return await self.source.call(ChangeServiceStub(self.source.channel).ListChanges, request)

    async def _apply(self, changes: Sequence[Change], epoch: int) -> bool:
        """Apply those changes that come next and are new.

        Args:
            changes: in any order, with repetitions.
            epoch: the source's when it sent them; what it sent in another one is of no use.

        Returns:
            Whether all are applied now; if not, something is missing before them.
        """
        _HEARD.reach()
        async with self.database.transaction() as connection:
            own_epoch, position = await self._cursor(connection)
            if epoch != own_epoch:
                return False
            fresh: list[Change] = []
            for change in sorted(changes, key=lambda change: change.position):
                if change.position == position + len(fresh) + 1:
                    fresh.append(change)
            began = time.time_ns()
            if fresh:
                await self.effect(connection, fresh)
                await connection.execute(_ADVANCE, self.source.name, epoch, fresh[-1].position)
                _BEFORE_COMMIT.reach()
        _AFTER_COMMIT.reach()
        self.position = position + len(fresh)
        trace_changes("apply", Kind.CONSUMER, fresh, began)
        return all(change.position <= position + len(fresh) for change in changes)

    async def _follow(self, head: pb.Head, epoch: int, position: int) -> None:
        """Go back to the last position that a restored source still has, and on in its new epoch."""
        kept = await self._last_kept(epoch, min(position, head.epoch_base))
        async with self.database.transaction() as connection:
            if await self._cursor(connection) != (epoch, position):
                return  # another replica of this service was faster
            if position > kept and self.rolled_back is not None:
                await self.rolled_back(connection, self.source.name, kept)
            await connection.execute(_ADVANCE, self.source.name, head.epoch, kept)

    async def _last_kept(self, epoch: int, highest: int) -> int:
        """Return the last position, at most `highest`, that was written in our epoch or before.

        The head tells only of the last restore; an earlier one that we slept through may have gone further back.
        Epochs never fall from one position to the next, so the place is found by halving.
        """
        lowest, probe = 0, highest
        while lowest < highest:
            page = await self._record(probe - 1, 1)
            if page.changes and page.changes[0].epoch <= epoch:
                lowest = probe
            else:
                highest = probe - 1
            probe = (lowest + highest + 1) // 2
        return lowest

    async def _cursor(self, connection: Connection) -> tuple[int, int]:
        row = await connection.fetchrow(_LOCK, self.source.name)
        if row is None:
            await connection.execute(_ENROL, self.source.name)
            row = await connection.fetchrow(_LOCK, self.source.name)
        return row["epoch"], row["position"]


def in_turn(*effects: Effect) -> Effect:
    """Return what applies changes in several ways, one after the other."""

    async def apply(connection: Connection, changes: Sequence[Change]) -> None:
        for effect in effects:
            await effect(connection, changes)

    return apply


def _decoded(message: Msg) -> Change | None:
    """Return the change in a message; None for bytes that are no change."""
    try:
        change = Change.FromString(message.data)
    except DecodeError:
        return None
    return change if change.epoch > 0 and change.position > 0 else None


async def _pull(subscription: JetStreamContext.PullSubscription) -> list[Msg]:
    """Wait for a message and return it with those that wait behind it; empty after a while without any.

    A fetch ends when its number is complete, so it never asks for more than there is.
    """
    try:
        messages = await subscription.fetch(1, timeout=_FETCH)
    except TimeoutError:
        await subscription.consumer_info()  # a consumer that the broker has forgotten raises here
        return []
    if waiting := min(messages[0].metadata.num_pending, PAGE):
        with suppress(TimeoutError):  # a stream that was purged meanwhile; the record fills the gap
            messages += await subscription.fetch(waiting, timeout=_REST)
    return messages
