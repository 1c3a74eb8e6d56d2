"""What calls do to files is on record before it is done."""

from chassis import schema

revision = "0004"
down_revision = "0003"

_TABLE = """
CREATE TABLE file_operations (
    file_operation_id uuid CONSTRAINT pk_file_operations PRIMARY KEY,
    account_id uuid NOT NULL,
    workspace_id uuid NOT NULL CONSTRAINT fk_file_operations_workspace_id REFERENCES workspaces,
    action text NOT NULL
        CONSTRAINT ck_file_operations_action CHECK (action IN ('WRITE', 'MOVE', 'DELETE', 'MAKE_DIRECTORY', 'UPLOAD')),
    path text NOT NULL,
    new_path text NOT NULL,
    state text NOT NULL CONSTRAINT ck_file_operations_state CHECK (state IN ('STARTED', 'DONE', 'FAILED', 'LOST')),
    etag text NOT NULL,
    size_bytes bigint NOT NULL,
    file_count integer NOT NULL,
    reason text NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    reconcile_time timestamptz,
    reconcile_epoch bigint NOT NULL DEFAULT 0,
    reconcile_attempts integer NOT NULL DEFAULT 0
);
CREATE INDEX ix_file_operations_update_time ON file_operations (account_id, update_time);
CREATE INDEX ix_file_operations_reconcile_time ON file_operations (reconcile_time) WHERE reconcile_time IS NOT NULL;
"""


def upgrade() -> None:
    """Create the table, isolated by account."""
    schema.execute(_TABLE)
    schema.isolate("file_operations", "workspace")
