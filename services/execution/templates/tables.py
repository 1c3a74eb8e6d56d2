"""Tables of templates, what was made of them, and what people think of them."""

from sqlalchemy import BigInteger, Boolean, Column, Enum, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from chassis import tables
from services.execution.templates.domain import Type

metadata = tables.metadata()

templates = Table(
    "templates",
    metadata,
    Column("template_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("type", Enum(Type, native_enum=False), nullable=False),
    Column("category", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("parameters", JSONB, nullable=False),
    Column("is_public", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("workflow_id", UUID),
    Column("agent_id", UUID),
    Column("delete_time", tables.Time),
    Column("deleted_by", UUID),
)

uses = Table(
    "template_uses",
    metadata,
    Column("use_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("template_id", UUID, nullable=False),
    Column("use_time", tables.Time, nullable=False),
)

ratings = Table(
    "template_ratings",
    metadata,
    Column("template_id", UUID, primary_key=True),
    Column("user_id", UUID, primary_key=True),
    Column("account_id", UUID, primary_key=True),
    Column("rating", SmallInteger, nullable=False),
    Column("rate_time", tables.Time, nullable=False),
)
