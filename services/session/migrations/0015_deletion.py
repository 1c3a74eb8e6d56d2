"""Sessions are deleted and purged; passes know their person, and those that are over are found."""

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

ALTER TABLE preview_passes ADD COLUMN subject text NOT NULL DEFAULT '';
CREATE INDEX ix_preview_passes_expire_time ON preview_passes (expire_time);
CREATE INDEX ix_share_tickets_expire_time ON share_tickets (expire_time);
"""


def upgrade() -> None:
    """Add what deleted sessions have, and the list of what is to be purged, isolated by account."""
    schema.execute(_STATEMENTS)
    schema.isolate("session_purges", "session")
