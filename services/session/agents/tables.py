"""Tables of turns and of requests for permission."""

from sqlalchemy import BigInteger, Column, Enum, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from chassis import tables
from services.session.agents.domain import PermissionState, TurnState

metadata = tables.metadata()

turns = Table(
    "agent_turns",
    metadata,
    Column("turn_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("session_id", UUID, nullable=False),
    Column("state", Enum(TurnState, native_enum=False), nullable=False),
    Column("subject", Text, nullable=False),
    Column("prompt_sha256", LargeBinary, nullable=False),
    Column("prompt_bytes", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("end_reason", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("end_time", tables.Time),
)

permissions = Table(
    "agent_permissions",
    metadata,
    Column("permission_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("session_id", UUID, nullable=False),
    Column("turn_id", UUID),
    Column("state", Enum(PermissionState, native_enum=False), nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("options", JSONB, nullable=False),
    Column("option_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("end_time", tables.Time),
)
