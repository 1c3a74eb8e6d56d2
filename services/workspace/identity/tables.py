"""Tables of people and keys."""

from sqlalchemy import BigInteger, Column, Enum, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from chassis import tables
from services.workspace.identity.domain import State

metadata = tables.metadata()

users = Table(
    "users",
    metadata,
    Column("user_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("handle", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
)

bootstrap_claims = Table(
    "bootstrap_claims",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("claim_time", tables.Time, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("api_key_id", UUID, primary_key=True),
    Column("account_id", UUID, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("name", Text, nullable=False),
    Column("key_prefix", Text, nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text, as_tuple=True), nullable=False),
    Column("state", Enum(State, native_enum=False), nullable=False),
    Column("expire_time", tables.Time),
    Column("last_used_time", tables.Time),
    Column("revoke_time", tables.Time),
    Column("version", BigInteger, nullable=False),
    Column("create_time", tables.Time, nullable=False),
    Column("update_time", tables.Time, nullable=False),
)
