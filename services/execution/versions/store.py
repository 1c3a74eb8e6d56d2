"""Writes of versions, and reads by id."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Column, Select, Table, func, insert, select, update

from chassis.sql import Connection
from services.execution.versions.domain import State, Version

V = TypeVar("V", bound=Version)


@dataclass(frozen=True, slots=True)
class Family(Generic[V]):
    """Versions of one kind: their table, and how a row becomes a version and back."""

    kind: type[V]
    table: Table
    read: Callable[[dict[str, Any]], V]
    write: Callable[[V], dict[str, Any]]

    @property
    def id(self) -> Column[Any]:
        """The column of the version's id."""
        return self.table.c[self.kind.ID]

    @property
    def parent(self) -> Column[Any]:
        """The column of the id of the first version."""
        return self.table.c[f"parent_{self.kind.ID}"]

    def select(self) -> Select[Any]:
        """Return what selects versions."""
        return select(self.table)


async def insert_version(connection: Connection, family: Family[V], version: V) -> None:
    """Store a new version."""
    await connection.execute(insert(family.table).values(**family.write(version)))


async def update_version(connection: Connection, family: Family[V], version: V) -> None:
    """Store a changed version."""
    statement = update(family.table).where(family.id == version.entity_id)
    await connection.execute(statement.values(**family.write(version)))


async def get_version(connection: Connection, family: Family[V], entity_id: UUID) -> V:
    """Return a version of the account, a deleted one too. Its NotFound."""
    return await _version(connection, family, family.select().where(family.id == entity_id), entity_id)


async def lock_version(connection: Connection, family: Family[V], entity_id: UUID) -> V:
    """Return a version and hold it and its family until the transaction ends. Its NotFound.

    The family is held by its first version, which is locked before any other.
    """
    found = await get_version(connection, family, entity_id)
    for held in dict.fromkeys((found.family_id, entity_id)):
        found = await _version(connection, family, family.select().where(family.id == held).with_for_update(), held)
    return found


async def find_active(connection: Connection, family: Family[V], family_id: UUID) -> V | None:
    """Return the version of a family that executions are started from, and hold it."""
    statement = family.select().where(family.parent == family_id, family.table.c.state == State.ACTIVE)
    row = (await connection.execute(statement.with_for_update())).mappings().one_or_none()
    return None if row is None else family.read(dict(row))


async def next_version_number(connection: Connection, family: Family[V], family_id: UUID) -> int:
    """Return the number of a family's next version; the family is held."""
    newest = select(func.max(family.table.c.version_number)).where(family.parent == family_id)
    return int((await connection.execute(newest)).scalar_one()) + 1


async def _version(connection: Connection, family: Family[V], statement: Select[Any], entity_id: UUID) -> V:
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise family.kind.REFUSALS.not_found(entity_id)
    return family.read(dict(row))
