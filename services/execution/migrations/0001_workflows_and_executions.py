"""Workflows in versions, executions with the time at which somebody looks at them, and what came of their steps."""

from chassis import schema

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE workflows (
    workflow_id uuid CONSTRAINT pk_workflows PRIMARY KEY,
    account_id uuid NOT NULL,
    parent_workflow_id uuid NOT NULL,
    version_number integer NOT NULL CONSTRAINT ck_workflows_version_number CHECK (version_number > 0),
    user_id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    tags text[] NOT NULL,
    definition jsonb NOT NULL,
    state text NOT NULL CONSTRAINT ck_workflows_state CHECK (state IN ('DRAFT', 'ACTIVE', 'INACTIVE')),
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    delete_time timestamptz,
    deleted_by uuid,
    CONSTRAINT uq_workflows_account_id UNIQUE (account_id, workflow_id),
    CONSTRAINT uq_workflows_version_number UNIQUE (parent_workflow_id, version_number),
    CONSTRAINT ck_workflows_first CHECK ((workflow_id = parent_workflow_id) = (version_number = 1)),
    CONSTRAINT ck_workflows_deleted CHECK ((delete_time IS NULL) = (deleted_by IS NULL)),
    CONSTRAINT ck_workflows_active CHECK (state <> 'ACTIVE' OR delete_time IS NULL)
);
CREATE UNIQUE INDEX uq_workflows_active ON workflows (parent_workflow_id) WHERE state = 'ACTIVE';
CREATE INDEX ix_workflows_account_id ON workflows (account_id, workflow_id DESC);
CREATE INDEX ix_workflows_tags ON workflows USING gin (tags);

CREATE TABLE executions (
    execution_id uuid CONSTRAINT pk_executions PRIMARY KEY,
    account_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    workflow_id uuid,
    definition jsonb,
    input jsonb NOT NULL,
    timeout interval NOT NULL CONSTRAINT ck_executions_timeout CHECK (timeout > interval '0'),
    state text NOT NULL CONSTRAINT ck_executions_state
        CHECK (state IN ('RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT')),
    output jsonb,
    failure jsonb,
    steps_completed bigint NOT NULL DEFAULT 0,
    steps_failed bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz,
    wake_time timestamptz,
    lease_epoch bigint NOT NULL DEFAULT 0,
    engine_id uuid,
    recoveries integer NOT NULL DEFAULT 0,
    sequence bigint NOT NULL DEFAULT 0,
    CONSTRAINT uq_executions_account_id UNIQUE (account_id, execution_id),
    CONSTRAINT fk_executions_workflow_id FOREIGN KEY (account_id, workflow_id)
        REFERENCES workflows (account_id, workflow_id),
    CONSTRAINT ck_executions_target CHECK ((workflow_id IS NULL) <> (definition IS NULL)),
    CONSTRAINT ck_executions_end CHECK ((state = 'RUNNING') = (end_time IS NULL)),
    CONSTRAINT ck_executions_failure CHECK ((state IN ('FAILED', 'TIMED_OUT')) = (failure IS NOT NULL)),
    CONSTRAINT ck_executions_somebody_looks CHECK ((end_time IS NULL) = (wake_time IS NOT NULL)),
    CONSTRAINT ck_executions_engine CHECK (end_time IS NULL OR engine_id IS NULL)
) WITH (fillfactor = 70);
CREATE INDEX ix_executions_account_id ON executions (account_id, execution_id DESC);
CREATE INDEX ix_executions_workflow_id ON executions (workflow_id, execution_id DESC) WHERE workflow_id IS NOT NULL;
CREATE INDEX ix_executions_wake_time ON executions (wake_time) WHERE wake_time IS NOT NULL;

CREATE TABLE step_executions (
    execution_id uuid NOT NULL,
    path text NOT NULL,
    account_id uuid NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    state text NOT NULL CONSTRAINT ck_step_executions_state
        CHECK (state IN ('RUNNING', 'WAITING', 'COMPLETED', 'FAILED', 'SKIPPED', 'CANCELLED')),
    attempt integer NOT NULL,
    sequence bigint NOT NULL,
    progress jsonb,
    output jsonb,
    failure jsonb,
    start_time timestamptz NOT NULL,
    end_time timestamptz,
    wake_time timestamptz,
    CONSTRAINT pk_step_executions PRIMARY KEY (execution_id, path),
    CONSTRAINT ck_step_executions_end CHECK ((state IN ('RUNNING', 'WAITING')) = (end_time IS NULL)),
    CONSTRAINT ck_step_executions_wake CHECK ((state = 'WAITING') = (wake_time IS NOT NULL)),
    CONSTRAINT fk_step_executions_execution_id FOREIGN KEY (account_id, execution_id)
        REFERENCES executions (account_id, execution_id)
);
CREATE INDEX ix_step_executions_sequence ON step_executions (execution_id, sequence);

CREATE FUNCTION refuse_leaving_final_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% has ended as %', TG_TABLE_NAME, OLD.state USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER final_state BEFORE UPDATE ON executions FOR EACH ROW
    WHEN (OLD.end_time IS NOT NULL AND (NEW.state <> OLD.state OR NEW.end_time IS DISTINCT FROM OLD.end_time))
    EXECUTE FUNCTION refuse_leaving_final_state();
CREATE TRIGGER final_state BEFORE UPDATE ON step_executions FOR EACH ROW
    WHEN (OLD.end_time IS NOT NULL) EXECUTE FUNCTION refuse_leaving_final_state();
CREATE TRIGGER start_time_is_written_once BEFORE UPDATE ON executions FOR EACH ROW
    WHEN (NEW.start_time <> OLD.start_time)
    EXECUTE FUNCTION refuse_leaving_final_state();
"""


def upgrade() -> None:
    """Create the tables, each isolated by account."""
    schema.create_chassis_tables("execution")
    schema.execute(_TABLES)
    for table in ("workflows", "executions", "step_executions"):
        schema.isolate(table, "execution")
