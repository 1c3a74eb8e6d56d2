"""The columns that the tables of all versions have."""

from sqlalchemy import BigInteger, Boolean, Column, Enum, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from chassis import tables
from services.execution.versions.domain import State


def columns(name: str) -> list[Column[object]]:
    """Return them new, as each belongs to one table; `name` is that of the version's id."""
    return [
        Column(name, UUID, primary_key=True),
        Column("account_id", UUID, nullable=False),
        Column(f"parent_{name}", UUID, nullable=False),
        Column("version_number", Integer, nullable=False),
        Column("user_id", UUID, nullable=False),
        Column("name", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("tags", ARRAY(Text), nullable=False),
        Column("is_public", Boolean, nullable=False),
        Column("definition", JSONB, nullable=False),
        Column("state", Enum(State, native_enum=False), nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("create_time", tables.Time, nullable=False),
        Column("update_time", tables.Time, nullable=False),
        Column("delete_time", tables.Time),
        Column("deleted_by", UUID),
    ]
