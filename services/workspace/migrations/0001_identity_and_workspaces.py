"""Users, API keys, workspaces and runners."""

from chassis import schema

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE users (
    user_id uuid CONSTRAINT pk_users PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT ck_users_own_account CHECK (account_id = user_id),
    handle text NOT NULL CONSTRAINT uq_users_handle UNIQUE,
    email text NOT NULL,
    display_name text NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL
);
CREATE UNIQUE INDEX uq_users_email ON users (lower(email)) WHERE email <> '';

CREATE TABLE bootstrap_claims (
    token_sha256 bytea CONSTRAINT pk_bootstrap_claims PRIMARY KEY,
    account_id uuid NOT NULL,
    claim_time timestamptz NOT NULL
);

CREATE TABLE api_keys (
    api_key_id uuid CONSTRAINT pk_api_keys PRIMARY KEY,
    account_id uuid NOT NULL,
    user_id uuid NOT NULL CONSTRAINT fk_api_keys_user_id REFERENCES users,
    name text NOT NULL,
    key_prefix text NOT NULL,
    secret_sha256 bytea NOT NULL,
    scopes text[] NOT NULL,
    state text NOT NULL CONSTRAINT ck_api_keys_state CHECK (state IN ('ACTIVE', 'REVOKED')),
    expire_time timestamptz,
    last_used_time timestamptz,
    revoke_time timestamptz,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL
);
CREATE INDEX ix_api_keys_account_id_user_id ON api_keys (account_id, user_id, api_key_id DESC);

CREATE TABLE workspaces (
    workspace_id uuid CONSTRAINT pk_workspaces PRIMARY KEY,
    account_id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    repository_url text NOT NULL,
    branch text NOT NULL,
    state text NOT NULL
        CONSTRAINT ck_workspaces_state CHECK (state IN ('CREATING', 'ACTIVE', 'ARCHIVED', 'ERROR', 'DELETED')),
    state_reason text NOT NULL,
    progress_step text NOT NULL,
    progress_percent integer NOT NULL CONSTRAINT ck_workspaces_progress CHECK (progress_percent BETWEEN 0 AND 100),
    sandbox text NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    delete_time timestamptz,
    reconcile_time timestamptz,
    reconcile_epoch bigint NOT NULL DEFAULT 0,
    reconcile_attempts integer NOT NULL DEFAULT 0,
    CONSTRAINT ck_workspaces_delete_time CHECK ((state = 'DELETED') = (delete_time IS NOT NULL))
);
CREATE UNIQUE INDEX uq_workspaces_name ON workspaces (account_id, name) WHERE state <> 'DELETED';
CREATE INDEX ix_workspaces_account_id ON workspaces (account_id, workspace_id DESC);
CREATE INDEX ix_workspaces_reconcile_time ON workspaces (reconcile_time) WHERE reconcile_time IS NOT NULL;

CREATE TABLE runners (
    runner_id uuid CONSTRAINT pk_runners PRIMARY KEY,
    account_id uuid NOT NULL,
    workspace_id uuid NOT NULL CONSTRAINT fk_runners_workspace_id REFERENCES workspaces,
    purpose text NOT NULL CONSTRAINT ck_runners_purpose CHECK (purpose = 'WORKSPACE'),
    address text NOT NULL,
    create_time timestamptz NOT NULL,
    end_time timestamptz
);
CREATE UNIQUE INDEX uq_runners_live ON runners (workspace_id) WHERE end_time IS NULL;

CREATE FUNCTION refuse_leaving_terminal_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is final', OLD.state
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'final_state';
END
$$;
CREATE TRIGGER final_state BEFORE UPDATE ON workspaces FOR EACH ROW
    WHEN (OLD.state = 'DELETED' AND NEW.state <> OLD.state) EXECUTE FUNCTION refuse_leaving_terminal_state();
CREATE TRIGGER final_state BEFORE UPDATE ON api_keys FOR EACH ROW
    WHEN (OLD.state = 'REVOKED' AND NEW.state <> OLD.state) EXECUTE FUNCTION refuse_leaving_terminal_state();
"""


def upgrade() -> None:
    """Create the tables, each isolated by account."""
    schema.create_chassis_tables("workspace")
    schema.execute(_TABLES)
    for table in ("users", "bootstrap_claims", "api_keys", "workspaces", "runners"):
        schema.isolate(table, "workspace")
