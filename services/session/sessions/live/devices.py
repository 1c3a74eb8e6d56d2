"""The devices of this process: who still controls, since one of another process may have taken over, and who stalls."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from chassis import cancellation, logs
from chassis.rpc.call import Call
from chassis.system import SystemDatabase
from services.session.sessions.live.device import Device
from services.session.sessions.live.feed import Feed
from services.session.sessions.live.follower import FAILURES
from services.session.sessions.live.taker import Taker
from services.session.sessions.store import leases, log_store

WATCH = 1.0
"""Seconds between looks; the runner refuses a device that was taken over at once."""

_log = logs.get("devices")


@dataclass(frozen=True, slots=True)
class Devices:
    """Attached devices by attachment, and who else gets output."""

    database: SystemDatabase
    patience: float
    """Seconds a client may take nothing, or a device acknowledge nothing while its credit is used up."""
    silence: float
    """Seconds after which a device that says nothing is detached."""
    attached: dict[UUID, Device] = field(default_factory=dict)
    takers: set[Taker] = field(default_factory=set)
    """Streams of output, which are no devices."""

    def add(self, device: Device) -> None:
        """Watch over a device."""
        self.attached[device.attachment.attachment_id] = device

    def remove(self, device: Device) -> None:
        """Forget a device."""
        self.attached.pop(device.attachment.attachment_id, None)

    @contextmanager
    def taking(
        self, call: Call, session_id: UUID, feed: Feed | None, begin: int
    ) -> Iterator[tuple[asyncio.Event, Taker]]:
        """Watch over a stream from `begin` on that is no device.

        The event is set when the feed has news; it is cleared before one looks. None: the session has ended.
        """
        awake, taker = asyncio.Event(), Taker(call, session_id, begin)
        self.takers.add(taker)
        if feed is not None:
            feed.watch(awake)
        try:
            yield awake, taker
        finally:
            self.takers.discard(taker)
            if feed is not None:
                feed.unwatch(awake)

    def announce(self, controller: Device) -> None:
        """Tell the others of a controller's session here that they control it no more."""
        for device in list(self.attached.values()):
            same = device.session.session_id == controller.session.session_id
            if same and device is not controller and device.lease.epoch < controller.lease.epoch:
                device.lose_control()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            cancellation.heed()
            await asyncio.sleep(WATCH)
            for taker in [*self.takers, *(device.taker for device in self.attached.values())]:
                taker.expect_progress(self.patience)
            try:
                await self._look()
            except FAILURES as exc:
                _log.warning("who controls cannot be read, trying again", error=repr(exc))

    async def _look(self) -> None:
        for device in self.attached.values():
            device.expect_sign(self.silence)
        typed = {device.session.session_id for device in self.attached.values() if device.typed}
        holders = [(device, device.lease) for device in self.attached.values() if device.lease.controls]
        moved = [device for device in self.attached.values() if device.progress != device.noted]
        if not typed and not holders and not moved:
            return
        async with self.database.connection() as connection:
            if typed:
                await log_store.note_input(connection, sorted(typed), datetime.now(UTC))
            if moved:
                progress = {device.attachment.attachment_id: device.progress for device in moved}
                await leases.note_progress(connection, progress)
                for device in moved:
                    device.noted = progress[device.attachment.attachment_id]
            in_control = await leases.controllers(connection, [device.session.session_id for device, _ in holders])
        for device, lease in holders:
            if device.lease is lease and device.attachment.attachment_id not in in_control:
                device.lose_control()
