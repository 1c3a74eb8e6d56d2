"""Teams that were deleted, in whose accounts something may still begin for a while."""

from chassis import schema

revision = "0008"
down_revision = "0007"

_TABLES = """
CREATE TABLE deleted_teams (
    account_id uuid CONSTRAINT pk_deleted_teams PRIMARY KEY,
    cause_event_id uuid NOT NULL,
    note_time timestamptz NOT NULL,
    reconcile_time timestamptz,
    reconcile_epoch bigint NOT NULL DEFAULT 0,
    reconcile_attempts integer NOT NULL DEFAULT 0
);
CREATE INDEX ix_deleted_teams_reconcile_time ON deleted_teams (reconcile_time) WHERE reconcile_time IS NOT NULL;
"""


def upgrade() -> None:
    """Create the table, isolated by account."""
    schema.execute(_TABLES)
    schema.isolate("deleted_teams", "execution", rights="SELECT")
