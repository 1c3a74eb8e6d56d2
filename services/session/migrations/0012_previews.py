"""Previews, and the passes with which browsers open them."""

from chassis import schema

revision = "0012"
down_revision = "0011"

_TABLES = """
CREATE TABLE previews (
    preview_id uuid CONSTRAINT pk_previews PRIMARY KEY,
    account_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    context_id uuid,
    title text NOT NULL,
    visibility text NOT NULL CONSTRAINT ck_previews_visibility CHECK (visibility = 'ACCOUNT'),
    command text[] NOT NULL,
    working_directory text NOT NULL,
    environment_names text[] NOT NULL,
    port integer NOT NULL CONSTRAINT ck_previews_port CHECK (port BETWEEN 1 AND 65535),
    health_path text NOT NULL,
    health_interval interval NOT NULL CONSTRAINT ck_previews_health_interval CHECK (health_interval > interval '0'),
    metadata jsonb NOT NULL,
    session_id uuid,
    state text NOT NULL CONSTRAINT ck_previews_state CHECK (state IN ('GENERATING', 'LIVE', 'ERROR', 'STOPPED')),
    state_reason text NOT NULL,
    start_time timestamptz NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    delete_time timestamptz,
    reconcile_time timestamptz,
    reconcile_epoch bigint NOT NULL DEFAULT 0,
    reconcile_attempts integer NOT NULL DEFAULT 0,
    CONSTRAINT ck_previews_session CHECK ((session_id IS NULL) = (command = '{}')),
    CONSTRAINT ck_previews_stopped_is_not_due CHECK (state <> 'STOPPED' OR reconcile_time IS NULL),
    CONSTRAINT ck_previews_deleted_is_stopped CHECK (delete_time IS NULL OR state = 'STOPPED')
);
CREATE INDEX ix_previews_account_id ON previews (account_id, preview_id DESC) WHERE delete_time IS NULL;
CREATE INDEX ix_previews_workspace_id ON previews (workspace_id) WHERE state <> 'STOPPED';
CREATE INDEX ix_previews_reconcile_time ON previews (reconcile_time) WHERE reconcile_time IS NOT NULL;

CREATE TABLE preview_passes (
    pass_id uuid CONSTRAINT pk_preview_passes PRIMARY KEY,
    account_id uuid NOT NULL,
    preview_id uuid NOT NULL,
    credential_id uuid NOT NULL,
    secret_sha256 bytea NOT NULL,
    redeemed boolean NOT NULL,
    expire_time timestamptz NOT NULL
);
CREATE INDEX ix_preview_passes_preview_id ON preview_passes (preview_id);
"""


def upgrade() -> None:
    """Create the tables, each isolated by account."""
    schema.execute(_TABLES)
    for table in ("previews", "preview_passes"):
        schema.isolate(table, "session")
