"""Workspaces say why what is in them could not be saved."""

from chassis import schema

revision = "0006"
down_revision = "0005"

_STATEMENT = "ALTER TABLE workspaces ADD COLUMN unsaved_reason text NOT NULL DEFAULT ''"


def upgrade() -> None:
    """Add the column."""
    schema.execute(_STATEMENT)
