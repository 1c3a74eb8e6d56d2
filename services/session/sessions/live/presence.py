"""Who else is there: tells the devices of this process who is attached to their sessions, in whichever process.

Every attach, detach and take-over, and all that a session waits for, notifies all processes as it commits,
so control passes from a device of one process to a device of another as fast as within one. A notification that is lost
with its connection is made up for by a look at everything, each time the connection is opened and every few seconds.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
from stateroom.session.v1 import attach_pb2 as pb

from chassis import cancellation, logs
from chassis.system import Connection, SystemDatabase
from services.session.sessions import convert
from services.session.sessions.live.device import Device
from services.session.sessions.live.devices import Devices
from services.session.sessions.live.follower import FAILURES
from services.session.sessions.store import leases

_GATHER = 0.02  # seconds for which changes are gathered, so that a crowd that comes at once is told of once
_LOOK = 5.0  # seconds between looks at everything
_RETRY = 0.5  # seconds to wait after a failure

_log = logs.get("presence")


@dataclass(frozen=True, slots=True)
class Presences:
    """The devices of this process and what they know of others."""

    database: SystemDatabase
    devices: Devices
    changed: set[UUID] = field(default_factory=set)
    awake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Tell until cancelled; a lost connection is opened again."""
        while True:
            cancellation.heed()
            try:
                await self._listen()
            except FAILURES as exc:
                _log.warning("the devices of others cannot be seen, trying again", error=repr(exc))
                await asyncio.sleep(_RETRY)

    async def _listen(self) -> None:
        async with self.database.connection() as connection:
            await connection.add_listener(leases.CHANNEL, self._hear)
            try:
                while True:
                    cancellation.heed()
                    await self._tell(connection)
                    await self._wait()
            finally:
                with suppress(asyncpg.InterfaceError, asyncpg.PostgresError, OSError):
                    await connection.remove_listener(leases.CHANNEL, self._hear)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_LOOK):
                await self.awake.wait()
        except TimeoutError:
            self.changed.update(device.session.session_id for device in self.devices.attached.values())
        self.awake.clear()
        await asyncio.sleep(_GATHER)

    def _hear(self, _connection: object, _process: int, _channel: str, session_id: object) -> None:
        self.changed.add(UUID(str(session_id)))
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
