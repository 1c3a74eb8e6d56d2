"""Workspaces say why what is in them could not be saved; files are copied."""

from chassis import schema

revision = "0006"
down_revision = "0005"

_STATEMENTS = """
ALTER TABLE workspaces ADD COLUMN unsaved_reason text NOT NULL DEFAULT '';
ALTER TABLE file_operations DROP CONSTRAINT ck_file_operations_action, ADD CONSTRAINT ck_file_operations_action
    CHECK (action IN ('WRITE', 'MOVE', 'DELETE', 'MAKE_DIRECTORY', 'UPLOAD', 'COPY'));
"""


def upgrade() -> None:
    """Add the column, and let the action in."""
    schema.execute(_STATEMENTS)
