"""Previews remember when somebody was there."""

from chassis import schema

revision = "0017"
down_revision = "0016"

_STATEMENTS = """
ALTER TABLE previews ADD COLUMN visit_time timestamptz;
"""


def upgrade() -> None:
    """Add when a preview was visited last."""
    schema.execute(_STATEMENTS)
