"""Tables of buffers and cursors."""

from sqlalchemy import BigInteger, Boolean, Column, Enum, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from chassis import tables
from services.session.editors.domain import Outside

metadata = tables.metadata()

buffers = Table(
    "editor_buffers",
    metadata,
    Column("buffer_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("session_id", UUID, nullable=False),
    Column("workspace_id", UUID, nullable=False),
    Column("path", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("text_sha256", LargeBinary, nullable=False),
    Column("file_etag", Text, nullable=False),
    Column("file_sha256", LargeBinary, nullable=False),
    Column("saving_sha256", LargeBinary),
    Column("saving_time", tables.Time),
    Column("outside", Enum(Outside, native_enum=False)),
    Column("outside_etag", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
    Column("close_time", tables.Time),
    Column("text", Text, nullable=False),
    Column("unsaved", Boolean, nullable=False),  # the database computes it, to list by
)

cursors = Table(
    "editor_cursors",
    metadata,
    Column("session_id", UUID, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("buffer_id", UUID, nullable=False),
    Column("person", Text, nullable=False),
    Column("anchor", Integer, nullable=False),
    Column("head", Integer, nullable=False),
    Column("move_time", tables.Time, nullable=False),
)
