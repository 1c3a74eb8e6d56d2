"""The newest output of one live session in this process: filled by its follower, read by devices, stored by the copier.

Any process may have a feed for a session. It *watches* while another process copies the log to PostgreSQL, *copies*
while its own epoch is that of the log's head, and is *over* for good once the session has ended and that is stored.
"""

import asyncio
from collections.abc import Callable, Sequence

from chassis import logs
from chassis.errors import DomainError
from services.session.sessions.domain import Session
from services.session.sessions.live.ring import Ring
from services.session.sessions.live.source import Source
from services.session.sessions.log import Copy, Head, Record

_REACH = 5.0  # seconds a device waits for output that the runner has and this process has not

_log = logs.get("feed")


class Feed:
    """What this process has of one session's log. `ended` gives the session once the feed is over."""

    def __init__(self, session: Session, head: Head, source: Source, bell: "CopierBell") -> None:
        """Begin as a watcher, behind what is stored."""
        self.session = session
        self.ring = Ring(head.head_sequence, head.head_offset)
        self.source = source
        self.ended: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
        self.turned = asyncio.Event()
        """Set when more is stored, or when the feed begins to copy or to watch."""
        self._epoch = 0
        self._bell = bell
        self._watchers: set[asyncio.Event] = set()

    @property
    def over(self) -> bool:
        """Whether the session has ended and this is stored."""
        return self.ended.done()

    @property
    def copies(self) -> bool:
        """Whether this process copies the log."""
        return self._epoch > 0

    def watch(self, event: asyncio.Event) -> None:
        """Set an event whenever there is more."""
        self._watchers.add(event)

    def unwatch(self, event: asyncio.Event) -> None:
        """Set it no more."""
        self._watchers.discard(event)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds that changes with the feed."""
        event = asyncio.Event()
        self.watch(event)
        try:
            while not holds():
                await event.wait()
                event.clear()
        finally:
            self.unwatch(event)

    async def reach_end(self) -> int:
        """Return the end of the output at this instant, once everything up to it is here or stored."""
        try:
            async with asyncio.timeout(_REACH):
                terminal = await self.source.terminal()
                target = 0 if terminal is None else terminal.end_sequence
                await self.until(lambda: self.ring.last >= target or self.over)
        except (DomainError, TimeoutError):
            _log.warning("the end of the output is not known", session_id=str(self.session.session_id))
        return self.ring.end_offset

    def add(self, records: Sequence[Record]) -> None:
        """Take records from the runner. ValueError for a gap."""
        self.ring.extend(records)
        self._notify()
        if self.copies:
            self._bell.ring(self)

    def copy_as(self, head: Head) -> None:
        """Begin to copy, under the epoch of a head that this process has claimed."""
        self._epoch = head.copier_epoch
        self.ring.restart(head.head_sequence, head.head_offset)
        self._bell.ring(self)
        self.turned.set()

    def pending(self, budget: int) -> Copy | None:
        """Return what is to be copied next, of about `budget` bytes; None when there is nothing or others copy."""
        records = self.ring.unstored(budget) if self.copies and not self.over else []
        if not records:
            return None
        return Copy(self.session.session_id, self.session.account_id, self._epoch, self.ring.stored, tuple(records))

    def stored(self, sequence: int) -> None:
        """Note that PostgreSQL has all records up to a sequence."""
        self.ring.store(sequence)
        self.turned.set()
        self._notify()

    def learn(self, head: Head, session: Session) -> None:
        """Take what PostgreSQL says of the log and the session: watch if others copy, be over if it has ended."""
        self.session = session
        if head.copier_epoch != self._epoch:
            self._epoch = 0
            self.turned.set()
        self.ring.restart(head.head_sequence, head.head_offset)
        if session.state.final:
            self.finish(session)
        self._notify()

    def finish(self, session: Session) -> None:
        """Be over: the session has ended, and that is stored."""
        if not self.over:
            self.ended.set_result(session)
        self._notify()

    def _notify(self) -> None:
        for event in self._watchers:
            event.set()


class CopierBell:
    """Remembers the feeds that have something to copy, and wakes the copier."""

    def __init__(self) -> None:
        self.waiting: dict[Feed, None] = {}
        self.awake = asyncio.Event()

    def ring(self, feed: Feed) -> None:
        """Say that a feed has something to copy."""
        self.waiting[feed] = None
        self.awake.set()
