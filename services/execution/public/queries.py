"""Reads of the versions that are public, whichever account they belong to."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Enum
from sqlalchemy.dialects.postgresql import JSONB

from chassis.system import SystemDatabase
from services.execution.versions.store import Family, V

_LIST = """
SELECT * FROM {table}
WHERE is_public AND state = 'ACTIVE' AND (tags && $1 OR $1 = '{{}}')
    AND (name ILIKE $2 OR description ILIKE $2) AND ($3::uuid IS NULL OR {id} < $3)
ORDER BY {id} DESC LIMIT $4
"""


async def list_public(
    system: SystemDatabase, family: Family[V], words: str, tags: list[str], *, limit: int, after: UUID | None
) -> list[V]:
    """Return versions that are public and ACTIVE, newest first."""
    statement = _LIST.format(table=family.table.name, id=family.id.name)
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    async with system.connection() as connection:
        rows = await connection.fetch(statement, tags, f"%{escaped}%", after, limit)
    return [family.read(_values(family, row)) for row in rows]


def _values(family: Family[V], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as SQLAlchemy would have read it."""
    values = dict(row)
    for column in family.table.columns:
        if isinstance(column.type, JSONB):
            values[column.name] = json.loads(values[column.name])
        elif isinstance(column.type, Enum) and column.type.enum_class is not None:
            values[column.name] = column.type.enum_class[values[column.name]]
    return values
