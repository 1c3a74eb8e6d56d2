"""Who else is there: tells the devices of this process who is attached to their sessions, in whichever process.

Every attach, detach and take-over, and all that a session waits for, notifies all processes as it commits,
so control passes from a device of one process to a device of another as fast as within one.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from stateroom.session.v1 import attach_pb2 as pb

from chassis import notifications
from chassis.system import Connection, SystemDatabase
from services.session.sessions import convert
from services.session.sessions.live.device import Device
from services.session.sessions.live.devices import Devices
from services.session.sessions.store import leases

_GATHER = 0.02  # seconds for which changes are gathered, so that a crowd that comes at once is told of once


@dataclass(frozen=True, slots=True)
class Presences:
    """The devices of this process and what they know of others."""

    database: SystemDatabase
    devices: Devices
    changed: set[UUID] = field(default_factory=set)
    awake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Tell until cancelled."""
        await notifications.listen(self.database, leases.CHANNEL, self._hear, self._attend)

    async def _attend(self, connection: Connection) -> None:
        await self._tell(connection)
        await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(notifications.LOOK):
                await self.awake.wait()
        except TimeoutError:
            self.changed.update(device.session.session_id for device in self.devices.attached.values())
        self.awake.clear()
        await asyncio.sleep(_GATHER)

    def _hear(self, session_id: str) -> None:
        self.changed.add(UUID(session_id))
        self.awake.set()

    async def _tell(self, connection: Connection) -> None:
        devices = [each for each in self.devices.attached.values() if each.session.session_id in self.changed]
        self.changed.clear()
        holders = [(device, device.lease) for device in devices if device.lease.controls]
        found = await leases.presence(connection, sorted({device.session.session_id for device in devices}))
        in_control = {each.attachment_id for present in found.values() for each in present.devices if each.controls}
        for device, lease in holders:
            if device.lease is lease and device.attachment.attachment_id not in in_control:
                device.lose_control()
        for session_id, present in found.items():
            _show(present, [device for device in devices if device.session.session_id == session_id])
        conditions = await leases.conditions(connection, sorted({device.session.session_id for device in devices}))
        for device in devices:
            if condition := conditions.get(device.session.session_id):
                device.show_condition(convert.condition_to_proto(condition))


def _show(present: leases.Presence, devices: Sequence[Device]) -> None:
    presence = pb.AttachSessionResponse.Presence(
        attachments=map(convert.attachment_to_proto, present.devices), attachment_count=present.count
    )
    for device in devices:
        device.show(presence)
