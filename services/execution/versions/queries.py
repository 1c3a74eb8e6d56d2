"""Reads of versions, whatever they are versions of."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select

from chassis.sql import Connection
from services.execution.versions import store
from services.execution.versions.domain import State
from services.execution.versions.store import Family, V


@dataclass(frozen=True, slots=True)
class Filter:
    """Which versions a list has: what is empty or None does not narrow it.

    A version has any of the `tags`, and `words` in its name or description, in either case of letters.
    """

    parent_id: UUID | None = None
    name: str = ""
    words: str = ""
    tags: tuple[str, ...] = ()
    state: State | None = None
    is_public: bool = False
    show_deleted: bool = False


async def get_version(connection: Connection, *, family: Family[V], entity_id: UUID) -> V:
    """Return a version of the account, a deleted one too. Its NotFound."""
    return await store.get_version(connection, family, entity_id)


async def expect_family(connection: Connection, *, family: Family[V], family_id: UUID) -> None:
    """Raise its NotFound unless this is the first version of a family, which may itself be deleted."""
    if (await store.get_version(connection, family, family_id)).family_id != family_id:
        raise family.kind.REFUSALS.not_found(family_id)


async def family_ids(connection: Connection, *, family: Family[V], family_id: UUID) -> tuple[UUID, ...]:
    """Return the ids of all versions of a family."""
    statement = select(family.id).where(family.parent == family_id)
    return tuple((await connection.execute(statement)).scalars())


async def find_active(connection: Connection, *, family: Family[V], family_id: UUID) -> V | None:
    """Return the version of a family that executions are started from. It stays so until the transaction ends."""
    active = (family.parent == family_id) & (family.table.c.state == State.ACTIVE)
    statement = family.select().where(active).with_for_update(key_share=True, read=True)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return None if row is None else family.read(dict(row))


async def list_versions(
    connection: Connection,
    *,
    family: Family[V],
    wanted: Filter,
    limit: int,
    after: UUID | None,
    also: ColumnElement[bool] | None = None,
) -> list[V]:
    """Return versions of the account, newest first; for which something else holds `also`."""
    columns = family.table.c
    statement = family.select() if also is None else family.select().where(also)
    for column, value in (
        (family.parent, wanted.parent_id),
        (columns.name, wanted.name or None),
        (columns.state, wanted.state),
        (columns.is_public, wanted.is_public or None),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.tags:
        statement = statement.where(columns.tags.overlap(list(wanted.tags)))
    if wanted.words:
        found = (each.icontains(wanted.words, autoescape=True) for each in (columns.name, columns.description))
        statement = statement.where(next(found) | next(found))
    if not wanted.show_deleted:
        statement = statement.where(columns.delete_time.is_(None))
    if after is not None:
        statement = statement.where(family.id < after)
    rows = await connection.execute(statement.order_by(family.id.desc()).limit(limit))
    return [family.read(dict(row)) for row in rows.mappings()]
