"""Who is attached to a session and who controls it: one device at a time, each with a higher input lease than the last.

A controller whose process is gone controls no more. The runner refuses input with an older lease than the newest it
saw, so whoever was taken over cannot type even before it hears of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update

from chassis.database import Transaction
from chassis.sql import Connection
from services.session.sessions.attached import AttachedDevice
from services.session.sessions.errors import ControllerTaken
from services.session.sessions.store.log_store import Driver
from services.session.sessions.tables import attachments, controls

CHANNEL = "session_devices"
"""Where every process hears, by the session's id, that a device came, went or took control, or that it waits."""
MAXIMUM_TOLD = 100
"""Devices that one device is told of: a lecture has an audience, and nobody reads it by name."""

_DEAD = """
WITH gone AS (
    DELETE FROM session_attachments WHERE process IN (
        SELECT process FROM (SELECT DISTINCT process FROM session_attachments) AS known WHERE NOT is_present(process)
    ) RETURNING session_id
)
SELECT pg_notify('session_devices', session_id::text) FROM (SELECT DISTINCT session_id FROM gone) AS changed
"""
_TOLD = """
SELECT * FROM (
    SELECT attached.attachment_id, attached.session_id, attached.subject, attached.person, attached.device,
        attached.columns, attached.rows, attached.acknowledged_offset, attached.attach_time,
        attached.attachment_id IS NOT DISTINCT FROM control.attachment_id AS controls,
        count(*) OVER of_session AS attachment_count,
        row_number() OVER (
            of_session ORDER BY attached.attachment_id IS DISTINCT FROM control.attachment_id, attached.attachment_id
        ) AS place
    FROM session_attachments AS attached JOIN session_controls AS control USING (session_id)
    WHERE session_id = ANY($1::uuid[]) WINDOW of_session AS (PARTITION BY session_id)
) AS found WHERE place <= $2 ORDER BY session_id, place
"""
_PROGRESS = """
UPDATE session_attachments AS attached
SET acknowledged_offset = told.acknowledged, columns = told.columns, rows = told.rows
FROM unnest($1::uuid[], $2::bigint[], $3::integer[], $4::integer[]) AS told (attachment_id, acknowledged, columns, rows)
WHERE attached.attachment_id = told.attachment_id
"""
_CONDITIONS = """
SELECT session_id, state = 'PAUSED' AS paused, idle_end_time FROM sessions WHERE session_id = ANY($1::uuid[])
"""
_HELD = "SELECT attachment_id FROM session_controls WHERE session_id = ANY($1::uuid[]) AND attachment_id IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A device on its way in. `process` is the service process it is connected to."""

    attachment_id: UUID
    session_id: UUID
    process: int
    person: str
    device: str
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Presence:
    """The devices at one session, the controlling one first, as many as are told of; `count` is how many there are."""

    devices: tuple[AttachedDevice, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Condition:
    """What a session waits for: to be resumed, or to be ended as idle at an instant."""

    paused: bool
    idle_end_time: datetime | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a device is, and its size in cells."""

    acknowledged: int
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to type, in force until a higher epoch is given; `controls` is False for a device that only watches."""

    epoch: int
    controls: bool


async def attach(
    tx: Transaction, *, attachment: Attachment, wants_control: bool, demands: bool, take_over: bool
) -> Lease:
    """Attach a device.

    Args:
        tx: of the device's account.
        attachment: the device.
        wants_control: give it control when nobody has it.
        demands: refuse the device when somebody else has it.
        take_over: give it control in any case.

    Raises:
        ControllerTaken: another device controls the session, and this one demands to.
    """
    values = {
        "attachment_id": attachment.attachment_id,
        "account_id": tx.account_id,
        "session_id": attachment.session_id,
        "process": attachment.process,
        "subject": tx.actor.subject,
        "person": attachment.person,
        "device": attachment.device,
        "columns": attachment.columns,
        "rows": attachment.rows,
        "acknowledged_offset": 0,
        "attach_time": tx.now,
    }
    await tx.connection.execute(insert(attachments).values(values))
    await tell(tx.connection, attachment.session_id)
    row = await _lock(tx.connection, attachment.session_id)
    if not wants_control:
        return Lease(row.lease_epoch, controls=False)
    if not take_over and await _present(tx.connection, row.attachment_id):
        if demands:
            raise ControllerTaken(attachment.session_id)
        return Lease(row.lease_epoch, controls=False)
    return await _give(tx.connection, attachment.session_id, attachment.attachment_id, row.lease_epoch + 1)


async def take_control(tx: Transaction, *, session_id: UUID, attachment_id: UUID) -> Lease:
    """Give control to an attached device, whoever has it; one that has it keeps its lease."""
    row = await _lock(tx.connection, session_id)
    if row.attachment_id == attachment_id:
        return Lease(row.lease_epoch, controls=True)
    await tell(tx.connection, session_id)
    return await _give(tx.connection, session_id, attachment_id, row.lease_epoch + 1)


async def detach(tx: Transaction, *, session_id: UUID, attachment_id: UUID) -> None:
    """Forget a device; what it controlled is free."""
    held = (controls.c.session_id == session_id) & (controls.c.attachment_id == attachment_id)
    await tx.connection.execute(update(controls).where(held).values(attachment_id=None))
    await tx.connection.execute(delete(attachments).where(attachments.c.attachment_id == attachment_id))
    await tell(tx.connection, session_id)


async def tell(connection: Connection, session_id: UUID) -> None:
    """Let every process know, once the transaction commits, that a session or who is at it changed, for its devices."""
    await connection.execute(select(func.pg_notify(CHANNEL, str(session_id))))


async def expect_free(connection: Connection, *, session_id: UUID) -> int:
    """Return the input lease that is in force while no device controls the session. ControllerTaken."""
    row = (await connection.execute(select(controls).where(controls.c.session_id == session_id))).one()
    if await _present(connection, row.attachment_id):
        raise ControllerTaken(session_id)
    return int(row.lease_epoch)


async def controllers(driver: Driver, session_ids: Sequence[UUID]) -> set[UUID]:
    """Return the devices that control some of the sessions."""
    return {row["attachment_id"] for row in await driver.fetch(_HELD, list(session_ids))}


async def presence(driver: Driver, session_ids: Sequence[UUID]) -> dict[UUID, Presence]:
    """Return the devices at some sessions; nothing for a session that has none."""
    found: dict[UUID, list[Any]] = {}
    for row in await driver.fetch(_TOLD, list(session_ids), MAXIMUM_TOLD):
        found.setdefault(row["session_id"], []).append(row)
    return {session_id: _presence(rows) for session_id, rows in found.items()}


async def conditions(driver: Driver, session_ids: Sequence[UUID]) -> dict[UUID, Condition]:
    """Return what sessions wait for."""
    rows = await driver.fetch(_CONDITIONS, list(session_ids))
    return {row["session_id"]: Condition(row["paused"], row["idle_end_time"]) for row in rows}


async def note_progress(driver: Driver, progress: Mapping[UUID, Progress]) -> None:
    """Note how far devices are."""
    rows = [(key, one.acknowledged, one.columns, one.rows) for key, one in progress.items()]
    await driver.execute(_PROGRESS, *zip(*rows, strict=True))


async def forget_dead(driver: Driver) -> None:
    """Forget devices whose process is gone."""
    await driver.execute(_DEAD)


def _presence(rows: Sequence[Any]) -> Presence:
    names = [field.name for field in fields(AttachedDevice)]
    devices = tuple(AttachedDevice(**{name: row[name] for name in names}) for row in rows)
    return Presence(devices, rows[0]["attachment_count"])


async def _give(connection: Connection, session_id: UUID, attachment_id: UUID, epoch: int) -> Lease:
    statement = update(controls).where(controls.c.session_id == session_id)
    await connection.execute(statement.values(attachment_id=attachment_id, lease_epoch=epoch))
    return Lease(epoch, controls=True)


async def _lock(connection: Connection, session_id: UUID) -> Row[tuple[object, ...]]:
    statement = select(controls).where(controls.c.session_id == session_id).with_for_update()
    return (await connection.execute(statement)).one()


async def _present(connection: Connection, attachment_id: UUID | None) -> bool:
    if attachment_id is None:
        return False
    process = select(attachments.c.process).where(attachments.c.attachment_id == attachment_id).scalar_subquery()
    return bool((await connection.execute(select(func.is_present(process)))).scalar())
