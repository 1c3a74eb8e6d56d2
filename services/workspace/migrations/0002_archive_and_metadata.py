"""Workspaces can be archived, and come back from deletion; people may attach metadata to them."""

from chassis import schema

revision = "0002"
down_revision = "0001"

_COLUMNS = """
ALTER TABLE workspaces
    ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN archive_time timestamptz,
    ADD CONSTRAINT ck_workspaces_archive_time CHECK (state <> 'ARCHIVED' OR archive_time IS NOT NULL);
DROP TRIGGER final_state ON workspaces;
"""


def upgrade() -> None:
    """Add the columns. DELETED is no longer final: only a purge is."""
    schema.execute(_COLUMNS)
