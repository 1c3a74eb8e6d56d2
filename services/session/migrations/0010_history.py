"""A log knows the size that its terminal began with, and where it was resized."""

from chassis import schema

revision = "0010"
down_revision = "0005"

_STATEMENTS = """
ALTER TABLE session_heads
    ADD COLUMN begin_columns integer NOT NULL DEFAULT 80,
    ADD COLUMN begin_rows integer NOT NULL DEFAULT 24;
UPDATE session_heads SET begin_columns = sessions.columns, begin_rows = sessions.rows
    FROM sessions WHERE sessions.session_id = session_heads.session_id;
CREATE INDEX ix_session_events_resize ON session_events (session_id, sequence) WHERE type = 2;
"""


def upgrade() -> None:
    """Add both. Sessions of before begin with the size they have, which is wrong where they were resized."""
    schema.execute(_STATEMENTS)
