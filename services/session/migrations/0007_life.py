"""Sessions may be paused; attached devices tell what their person is called."""

from chassis import schema

revision = "0007"
down_revision = "0005"

_TABLES = """
ALTER TABLE sessions
    DROP CONSTRAINT ck_sessions_state,
    ADD CONSTRAINT ck_sessions_state
        CHECK (state IN ('STARTING', 'ACTIVE', 'PAUSED', 'STOPPED', 'FAILED', 'LOST')),
    DROP CONSTRAINT ck_sessions_runner,
    ADD CONSTRAINT ck_sessions_runner CHECK (state NOT IN ('ACTIVE', 'PAUSED') OR runner_id <> '');

ALTER TABLE session_attachments ADD COLUMN person text NOT NULL DEFAULT '';
"""


def upgrade() -> None:
    """Add what the life of a session needs."""
    schema.execute(_TABLES)
