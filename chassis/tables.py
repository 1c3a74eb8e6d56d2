"""Conventions for tables: constraint names that errors can be told apart by, instants, and rows as dataclasses."""

from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import MetaData, Row
from sqlalchemy.dialects.postgresql import TIMESTAMP

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}
Time = TIMESTAMP(timezone=True)
"""The type of every instant."""
PARTITION = 1_000_000
"""Changes in one partition; dropping a partition is how old changes leave."""

T = TypeVar("T")


def metadata() -> MetaData:
    """Return the collection of one domain's tables, with our constraint names."""
    return MetaData(naming_convention=NAMES)


def to(kind: type[T], row: Row[Any]) -> T:
    """Return a row as the dataclass whose fields its columns are."""
    return kind(**row._mapping)  # noqa: SLF001  # SQLAlchemy's documented name


def row_of(entity: object) -> dict[str, Any]:
    """Return a flat dataclass as column values, not copied as `dataclasses.asdict` would: they never change."""
    kind: Any = type(entity)
    return {name: getattr(entity, name) for name in _names(kind)}


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
