"""Attached devices tell their size and how far they are."""

from chassis import schema

revision = "0004"
down_revision = "0003"

_COLUMNS = """
ALTER TABLE session_attachments
    ADD COLUMN columns integer NOT NULL DEFAULT 0,
    ADD COLUMN rows integer NOT NULL DEFAULT 0,
    ADD COLUMN acknowledged_offset bigint NOT NULL DEFAULT 0;
"""


def upgrade() -> None:
    """Add what others are told of a device."""
    schema.execute(_COLUMNS)
