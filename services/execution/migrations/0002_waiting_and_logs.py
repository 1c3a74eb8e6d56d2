"""Approvals, executions that are steps of others or are roused before their time, logs of steps, and code that runs."""

from chassis import schema

revision = "0002"
down_revision = "0001"

_TABLES = """
ALTER TABLE executions
    ADD COLUMN rousals bigint NOT NULL DEFAULT 0,
    ADD COLUMN rousals_seen bigint NOT NULL DEFAULT 0,
    ADD COLUMN parent_execution_id uuid,
    ADD COLUMN parent_path text,
    ADD COLUMN parent_attempt integer,
    ADD COLUMN depth integer NOT NULL DEFAULT 0 CONSTRAINT ck_executions_depth CHECK (depth BETWEEN 0 AND 16),
    ADD CONSTRAINT fk_executions_parent_execution_id FOREIGN KEY (account_id, parent_execution_id)
        REFERENCES executions (account_id, execution_id),
    ADD CONSTRAINT ck_executions_parent CHECK (num_nulls(parent_execution_id, parent_path, parent_attempt) IN (0, 3)),
    ADD CONSTRAINT ck_executions_inside CHECK ((parent_execution_id IS NULL) = (depth = 0));
CREATE UNIQUE INDEX uq_executions_parent ON executions (parent_execution_id, parent_path, parent_attempt)
    WHERE parent_execution_id IS NOT NULL;
CREATE INDEX ix_executions_inside ON executions (parent_execution_id)
    WHERE parent_execution_id IS NOT NULL AND end_time IS NULL;
CREATE INDEX ix_step_executions_approvals ON step_executions (account_id, execution_id DESC, path)
    WHERE type = 'APPROVAL' AND state = 'WAITING';

CREATE TABLE approvals (
    approval_id uuid CONSTRAINT pk_approvals PRIMARY KEY,
    account_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    path text NOT NULL,
    state text NOT NULL CONSTRAINT ck_approvals_state CHECK (state IN ('APPROVED', 'REFUSED', 'EXPIRED')),
    message text NOT NULL,
    request_time timestamptz NOT NULL,
    expire_time timestamptz NOT NULL,
    user_id uuid,
    comment text NOT NULL,
    answer_time timestamptz NOT NULL,
    CONSTRAINT uq_approvals_execution_id_path UNIQUE (execution_id, path),
    CONSTRAINT ck_approvals_user CHECK ((state = 'EXPIRED') = (user_id IS NULL)),
    CONSTRAINT fk_approvals_account_id FOREIGN KEY (account_id, execution_id)
        REFERENCES executions (account_id, execution_id)
);

CREATE TABLE execution_logs (
    execution_id uuid NOT NULL,
    position bigint NOT NULL,
    account_id uuid NOT NULL,
    path text NOT NULL,
    attempt integer NOT NULL,
    level smallint NOT NULL CONSTRAINT ck_execution_logs_level CHECK (level BETWEEN 1 AND 5),
    message text NOT NULL,
    log_time timestamptz NOT NULL,
    CONSTRAINT pk_execution_logs PRIMARY KEY (execution_id, position),
    CONSTRAINT fk_execution_logs_execution_id FOREIGN KEY (account_id, execution_id)
        REFERENCES executions (account_id, execution_id)
);

CREATE TABLE code_runs (
    code_run_id uuid CONSTRAINT pk_code_runs PRIMARY KEY,
    account_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    path text NOT NULL,
    attempt integer NOT NULL,
    workspace_id uuid NOT NULL,
    runner_id text NOT NULL,
    CONSTRAINT uq_code_runs_execution_id_path_attempt UNIQUE (execution_id, path, attempt),
    CONSTRAINT fk_code_runs_execution_id FOREIGN KEY (account_id, execution_id)
        REFERENCES executions (account_id, execution_id)
);
"""


def upgrade() -> None:
    """Create the tables, isolated by account."""
    schema.execute(_TABLES)
    for table in ("approvals", "execution_logs"):
        schema.isolate(table, "execution", rights="SELECT, INSERT")
    schema.isolate("code_runs", "execution", rights="SELECT, INSERT, DELETE")
