"""Secrets that steps use by name."""

from chassis import schema

revision = "0004"
down_revision = "0003"

_TABLES = """
CREATE TABLE secrets (
    secret_id uuid CONSTRAINT pk_secrets PRIMARY KEY,
    account_id uuid NOT NULL,
    name text NOT NULL,
    sealed bytea NOT NULL,
    user_id uuid NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    CONSTRAINT uq_secrets_name UNIQUE (account_id, name)
);
"""


def upgrade() -> None:
    """Create the table, isolated by account."""
    schema.execute(_TABLES)
    schema.isolate("secrets", "execution", rights="SELECT, INSERT, UPDATE, DELETE")
