"""Reads of sessions and of their logs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    LargeBinary,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from chassis import tables
from chassis.sql import Connection
from services.session.sessions import log
from services.session.sessions.attached import AttachedDevice
from services.session.sessions.domain import Session, State
from services.session.sessions.errors import LogExpired
from services.session.sessions.log import Range, Record, RecordType
from services.session.sessions.spec import Kind
from services.session.sessions.store import session_store
from services.session.sessions.tables import attachments, controls, events, heads, screens, sessions

PAGE_RECORDS = 4096
"""Records read at once at most: single keys fill no page."""
PAGE_EVENTS = 64
"""Events of an agent read at once at most: each has up to 64 KiB."""
PAGE_BYTES = 256 * 1024
"""Bytes read at once, give or take one record: what one device may cost in memory."""
LIST_BYTES = 4 << 20
"""Bytes of records in one page of a list: a message has 16 MiB at most."""

RECORD_COLUMNS = [column for column in events.c if column.name not in {"session_id", "account_id"}]
"""What `record_of` makes a record of."""

_DEVICE_COLUMNS = [attachments.c[field.name] for field in fields(AttachedDevice) if field.name != "controls"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a log: what comes from `offset` on stands after `sequence`. `end` is the end of what is stored."""

    sequence: int
    offset: int
    end: int


async def get_session(connection: Connection, *, session_id: UUID) -> Session:
    """Return a session. SessionNotFound."""
    return await session_store.get_session(connection, session_id)


async def list_sessions(  # noqa: PLR0913  # its filters
    connection: Connection,
    *,
    workspace_id: UUID | None,
    state: State | None,
    kind: Kind | None,
    attachment_id: UUID | None,
    show_deleted: bool,
    limit: int,
    after: UUID | None,
) -> list[Session]:
    """Return the account's sessions, newest first."""
    statement = session_store.selected().order_by(sessions.c.session_id.desc()).limit(limit)
    wanted = ((sessions.c.workspace_id, workspace_id), (sessions.c.state, state), (sessions.c.kind, kind))
    for column, value in wanted:
        if value is not None:
            statement = statement.where(column == value)
    if not show_deleted:
        statement = statement.where(sessions.c.delete_time.is_(None))
    if attachment_id is not None:
        attached = select(attachments.c.session_id).where(attachments.c.attachment_id == attachment_id)
        statement = statement.where(sessions.c.session_id.in_(attached))
    if after is not None:
        statement = statement.where(sessions.c.session_id < after)
    return [tables.to(Session, row) for row in await connection.execute(statement)]


async def list_attachments(
    connection: Connection, *, session_id: UUID, limit: int, after: UUID | None
) -> list[AttachedDevice]:
    """Return the devices at a session, first come first. SessionNotFound."""
    await session_store.get_session(connection, session_id)
    in_control = (attachments.c.attachment_id == func.coalesce(controls.c.attachment_id, UUID(int=0))).label("controls")
    statement: Select[Any] = (
        select(*_DEVICE_COLUMNS, in_control)
        .join(controls, controls.c.session_id == attachments.c.session_id)
        .where(attachments.c.session_id == session_id)
        .order_by(attachments.c.attachment_id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(attachments.c.attachment_id > after)
    return [tables.to(AttachedDevice, row) for row in await connection.execute(statement)]


async def list_records(connection: Connection, *, session_id: UUID, wanted: Range, limit: int) -> list[Record]:
    """Return those of a session's stored records that are wanted, oldest first.

    After 4 MiB there is one more at most: as with `limit`, it tells that others follow.

    Raises:
        SessionNotFound: no such session.
        LogExpired: what it printed was let go.
    """
    await session_store.get_session(connection, session_id)
    size = func.octet_length(events.c.data)
    before = func.sum(size).over(order_by=events.c.sequence) - size
    first = select(*RECORD_COLUMNS, before.label("bytes_before")).where(*_conditions(session_id, wanted, limit))
    page = first.order_by(events.c.sequence).limit(limit).subquery()
    columns = [column for column in page.c if column.name != "bytes_before"]
    fits = select(*columns).where(page.c.bytes_before < LIST_BYTES).order_by(page.c.sequence)
    rows = (await connection.execute(fits)).all()
    if not rows:
        await expect_log(connection, session_id)
    return [record_of(row) for row in rows]


def fitting(records: Sequence[Record], limit: int) -> Sequence[Record]:
    """Return the records that fit into one page of a list, of those that were read for it."""
    shown = records[:limit]
    return shown[:-1] if len(shown) > 1 and sum(len(record.data) for record in shown) >= LIST_BYTES else shown


async def expect_log(connection: Connection, session_id: UUID) -> None:
    """Raise LogExpired when what a session printed was let go."""
    kept = exists().where(events.c.session_id == session_id)
    statement = select(heads.c.head_sequence, kept.label("kept")).where(heads.c.session_id == session_id)
    head = (await connection.execute(statement)).one()
    if head.head_sequence > 0 and not head.kept:
        raise LogExpired(session_id)


async def read_log(
    connection: Connection, *, session_id: UUID, after: int, offset: int, count: int = PAGE_RECORDS
) -> list[Record]:
    """Return what is stored after a sequence, to about 256 KiB behind an offset; nothing at the end of what is stored.

    No more than `count` records are looked at. A run of OUTPUT comes as one record, which ends with the run's last
    sequence: a replay needs the bytes, and ten thousand rows cost more than the bytes in them.
    """
    place = {"session_id": session_id, "after": after, "offset": offset, "count": count}
    rows = await connection.execute(_READ_LOG, place)
    return list(log.cut([record_of(row) for row in rows]))


async def find_screen(connection: Connection, *, session_id: UUID) -> tuple[Place, bytes]:
    """Return where the newest stored screen was taken, and the screen; the beginning when there is none. LogExpired."""
    statement = (
        select(heads.c.head_offset, screens.c.sequence, screens.c.offset, screens.c.screen)
        .outerjoin_from(heads, screens, screens.c.session_id == heads.c.session_id)
        .where(heads.c.session_id == session_id)
    )
    found = (await connection.execute(statement)).one()
    if found.sequence is None:
        await expect_log(connection, session_id)
        return Place(0, 0, found.head_offset), b""
    return Place(found.sequence, found.offset, found.head_offset), found.screen


async def find_offset(connection: Connection, *, session_id: UUID, offset: int) -> Place:
    """Return the place after which output from an offset on stands, which may be beyond what is stored. LogExpired."""
    holding = (
        select(events.c.sequence)
        .where(events.c.session_id == session_id, events.c.offset <= offset, events.c.type == RecordType.OUTPUT)
        .order_by(events.c.offset.desc(), events.c.sequence.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = select(heads.c.head_sequence, heads.c.head_offset, holding.label("holding"))
    head = (await connection.execute(statement.where(heads.c.session_id == session_id))).one()
    if offset >= head.head_offset:
        return Place(head.head_sequence, offset, head.head_offset)
    if head.holding is None:
        raise LogExpired(session_id)
    return Place(head.holding - 1, offset, head.head_offset)


def _joined_log() -> Select[Any]:
    session_id, after = bindparam("session_id", type_=Uuid()), bindparam("after", type_=BigInteger())
    count = bindparam("count", type_=BigInteger())
    end = bindparam("offset", type_=BigInteger()) + PAGE_BYTES
    data = func.string_agg(events.c.data, aggregate_order_by(literal(b"", LargeBinary), events.c.sequence))
    last = func.max(events.c.sequence).label("sequence")
    others = ("time", "columns", "rows", "exit_code", "exit_signal", "reason")
    return (
        select(last, func.min(events.c.offset).label("offset"), events.c.type, data.label("data"))
        .add_columns(*(func.max(events.c[name]).label(name) for name in others))
        .where(_following(session_id, after, count), events.c.offset < end)
        .group_by(events.c.type, case((events.c.type != RecordType.OUTPUT, events.c.sequence)))
        .order_by(last)
    )


def _conditions(session_id: UUID, wanted: Range, limit: int) -> Iterator[ColumnElement[bool]]:
    yield events.c.session_id == session_id
    yield events.c.sequence > wanted.after
    if wanted.is_dense:
        yield _following(session_id, wanted.after, limit)
    if wanted.before is not None:
        yield events.c.sequence < wanted.before
    if wanted.start_time is not None:
        yield events.c.time >= wanted.start_time
    if wanted.end_time is not None:
        yield events.c.time < wanted.end_time
    if wanted.types:
        yield events.c.type.in_(sorted(wanted.types))


def _following(session_id: Any, after: Any, count: Any) -> ColumnElement[bool]:  # values or parameters
    """Return the condition of a log's next records: their sequences have no gap, so nothing beyond them is touched."""
    return and_(events.c.session_id == session_id, events.c.sequence > after, events.c.sequence <= after + count)


def record_of(row: object) -> Record:
    """Return a row of the log as a record."""
    values = dict(row._mapping)  # type: ignore[attr-defined]  # noqa: SLF001  # SQLAlchemy's documented name
    return Record(**values | {"type": RecordType(values["type"])})


_READ_LOG = _joined_log()
"""Built once: it is large, and a device that attaches runs it again and again."""
