"""Logs that are complete are due until their runner has dropped the terminal."""

from chassis import schema

revision = "0002"
down_revision = "0001"

_COLUMNS = """
ALTER TABLE session_heads
    ADD COLUMN reconcile_time timestamptz,
    ADD COLUMN reconcile_epoch bigint NOT NULL DEFAULT 0,
    ADD COLUMN reconcile_attempts integer NOT NULL DEFAULT 0;
CREATE INDEX ix_session_heads_reconcile_time ON session_heads (reconcile_time) WHERE reconcile_time IS NOT NULL;
"""


def upgrade() -> None:
    """Add what the reconciler needs."""
    schema.execute(_COLUMNS)
