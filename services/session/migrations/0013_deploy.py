"""Actions that start previews: their run has a session only when the preview has a command."""

from chassis import schema

revision = "0013"
down_revision = "0012"

_STATEMENTS = """
ALTER TABLE actions DROP CONSTRAINT ck_actions_type, DROP CONSTRAINT ck_actions_run;
ALTER TABLE actions
    ADD COLUMN preview_id uuid,
    ADD CONSTRAINT ck_actions_type CHECK (type IN ('CLONE_TEMPLATE', 'CONFIGURE_TOOLING', 'MODIFY_FILES', 'DEPLOY')),
    ADD CONSTRAINT ck_actions_run CHECK (state IN ('PENDING', 'FAILED', 'CANCELLED') OR runner_id <> '');
"""


def upgrade() -> None:
    """Let the type in, and hold an action that runs to its runner instead of its session."""
    schema.execute(_STATEMENTS)
