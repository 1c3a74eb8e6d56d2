"""Conventions for tables: constraint names that errors can be told apart by, and entities as rows."""

from dataclasses import fields
from functools import cache
from typing import Any

from sqlalchemy import MetaData

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


def metadata() -> MetaData:
    """Return the collection of one domain's tables, with our constraint names."""
    return MetaData(naming_convention=NAMES)


def row_of(entity: object) -> dict[str, Any]:
    """Return a flat dataclass as column values, not copied as `dataclasses.asdict` would: they never change."""
    return {name: getattr(entity, name) for name in _names(type(entity))}  # type: ignore[arg-type]  # typeshed does not see that classes hash


@cache
def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
