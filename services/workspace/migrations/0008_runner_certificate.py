"""Runners on the network prove themselves with a certificate; those at a socket have none."""

from chassis import schema

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column."""
    schema.execute("ALTER TABLE runners ADD COLUMN certificate text NOT NULL DEFAULT ''")
