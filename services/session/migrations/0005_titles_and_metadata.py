"""People may give sessions a title and metadata."""

from chassis import schema

revision = "0005"
down_revision = "0004"

_COLUMNS = """
ALTER TABLE sessions
    ADD COLUMN given_title text NOT NULL DEFAULT '',
    ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}';
"""


def upgrade() -> None:
    """Add what people say of a session."""
    schema.execute(_COLUMNS)
