"""Work is saved outside of workspaces, which can be purged then, and made of a save."""

from chassis import schema

revision = "0005"
down_revision = "0004"

_SAVES = """
CREATE TABLE saves (
    save_id uuid CONSTRAINT pk_saves PRIMARY KEY,
    account_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    workspace_name text NOT NULL,
    repository_url text NOT NULL,
    cause text NOT NULL CONSTRAINT ck_saves_cause CHECK (cause IN ('ARCHIVE', 'DELETE', 'CLEAN_UP', 'ON_DEMAND')),
    state text NOT NULL CONSTRAINT ck_saves_state CHECK (state IN ('SAVING', 'COMPLETE', 'FAILED', 'DELETED')),
    state_reason text NOT NULL,
    sandbox text NOT NULL,
    branch text NOT NULL,
    staged integer NOT NULL,
    modified integer NOT NULL,
    untracked integer NOT NULL,
    conflicted integer NOT NULL,
    stashes integer NOT NULL,
    unpushed_commits integer NOT NULL,
    repositories integer NOT NULL,
    complaint text NOT NULL,
    files bigint NOT NULL,
    size_bytes bigint NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    expire_time timestamptz,
    reconcile_time timestamptz,
    reconcile_epoch bigint NOT NULL DEFAULT 0,
    reconcile_attempts integer NOT NULL DEFAULT 0
);
CREATE INDEX ix_saves_account_id ON saves (account_id, save_id DESC);
CREATE INDEX ix_saves_workspace_id ON saves (workspace_id, save_id DESC);
CREATE INDEX ix_saves_expire_time ON saves (expire_time) WHERE expire_time IS NOT NULL AND state <> 'DELETED';
CREATE INDEX ix_saves_reconcile_time ON saves (reconcile_time) WHERE reconcile_time IS NOT NULL;
ALTER TABLE workspaces
    ADD COLUMN save_id uuid,
    ADD COLUMN purge_time timestamptz
        CONSTRAINT ck_workspaces_purge_time CHECK (purge_time IS NULL OR state = 'DELETED');
CREATE INDEX ix_runners_workspace_id ON runners (workspace_id, create_time);
"""


def upgrade() -> None:
    """Add the table and the columns. Saves outlive their workspaces, so nothing binds them to those."""
    schema.execute(_SAVES)
    schema.isolate("saves", "workspace")
