"""Sessions are deleted, brought back for a while, and then purged with their logs."""

from chassis import schema

revision = "0015"
down_revision = "0014"

_STATEMENTS = """
ALTER TABLE sessions
    ADD COLUMN delete_time timestamptz,
    ADD COLUMN purge_time timestamptz,
    ADD COLUMN deleted_by uuid,
    ADD CONSTRAINT ck_sessions_delete CHECK (
        (delete_time IS NULL) = (purge_time IS NULL) AND (delete_time IS NULL) = (deleted_by IS NULL)
    ) NOT VALID;

CREATE TABLE session_purges (
    session_id uuid CONSTRAINT pk_session_purges PRIMARY KEY,
    account_id uuid NOT NULL,
    reconcile_time timestamptz,
    reconcile_epoch bigint NOT NULL DEFAULT 0,
    reconcile_attempts integer NOT NULL DEFAULT 0
);
CREATE INDEX ix_session_purges_reconcile_time ON session_purges (reconcile_time) WHERE reconcile_time IS NOT NULL;
"""


def upgrade() -> None:
    """Add what deleted sessions have, and the list of what is to be purged, isolated by account."""
    schema.execute(_STATEMENTS)
    schema.isolate("session_purges", "session")
