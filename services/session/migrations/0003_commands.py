"""Sessions may run a command instead of a shell, and may have a time limit."""

from chassis import schema

revision = "0003"
down_revision = "0002"

_COLUMNS = """
ALTER TABLE sessions
    DROP CONSTRAINT ck_sessions_kind,
    ADD CONSTRAINT ck_sessions_kind CHECK (kind IN ('TERMINAL', 'COMMAND')),
    ADD COLUMN command text[] NOT NULL DEFAULT '{}',
    ADD COLUMN timeout interval CONSTRAINT ck_sessions_timeout CHECK (timeout > interval '0');
"""


def upgrade() -> None:
    """Add what commands need; sessions of before have a shell and no limit."""
    schema.execute(_COLUMNS)
