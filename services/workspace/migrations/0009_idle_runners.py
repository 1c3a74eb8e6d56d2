"""Runners of rooms that nobody uses are ended: each has a time at which it is looked at."""

from chassis import schema

revision = "0009"
down_revision = "0008"

_STATEMENTS = """
ALTER TABLE runners ADD COLUMN reconcile_time timestamptz,
    ADD COLUMN reconcile_epoch bigint NOT NULL DEFAULT 0,
    ADD COLUMN reconcile_attempts integer NOT NULL DEFAULT 0;
CREATE INDEX ix_runners_reconcile_time ON runners (reconcile_time) WHERE reconcile_time IS NOT NULL;
"""


def upgrade() -> None:
    """Add the columns of a table that a reconciler works through."""
    schema.execute(_STATEMENTS)
