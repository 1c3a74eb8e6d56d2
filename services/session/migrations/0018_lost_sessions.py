"""Sessions that were lost lately are found without reading all others."""

from chassis import schema

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add an index for what the metrics count."""
    schema.execute("CREATE INDEX ix_sessions_lost ON sessions (end_time) WHERE state = 'LOST'")
