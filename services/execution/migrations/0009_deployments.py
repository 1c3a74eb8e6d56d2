"""Deployments, the versions that came into force there, and whose executions are theirs."""

from chassis import schema

revision = "0009"
down_revision = "0008"

_TABLES = """
CREATE TABLE deployments (
    deployment_id uuid CONSTRAINT pk_deployments PRIMARY KEY,
    account_id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    environment text NOT NULL
        CONSTRAINT ck_deployments_environment CHECK (environment IN ('DEVELOPMENT', 'STAGING', 'PRODUCTION')),
    parent_workflow_id uuid,
    workflow_id uuid,
    parent_agent_id uuid,
    agent_id uuid,
    max_concurrent_executions integer NOT NULL
        CONSTRAINT ck_deployments_max_concurrent_executions CHECK (max_concurrent_executions BETWEEN 0 AND 100000),
    timeout interval NOT NULL CONSTRAINT ck_deployments_timeout CHECK (timeout > interval '0'),
    state text NOT NULL CONSTRAINT ck_deployments_state CHECK (state IN ('STOPPED', 'RUNNING', 'MAINTENANCE')),
    user_id uuid NOT NULL,
    key_sha256 bytea,
    key_prefix text NOT NULL,
    rollout_number integer NOT NULL CONSTRAINT ck_deployments_rollout_number CHECK (rollout_number > 0),
    deploy_time timestamptz NOT NULL,
    health text NOT NULL
        CONSTRAINT ck_deployments_health CHECK (health IN ('UNKNOWN', 'HEALTHY', 'DEGRADED', 'UNHEALTHY')),
    health_reason text NOT NULL,
    check_time timestamptz,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    delete_time timestamptz,
    deleted_by uuid,
    CONSTRAINT uq_deployments_account_id UNIQUE (account_id, deployment_id),
    CONSTRAINT ck_deployments_target CHECK (num_nonnulls(workflow_id, agent_id) = 1),
    CONSTRAINT ck_deployments_family CHECK (
        (workflow_id IS NULL) = (parent_workflow_id IS NULL) AND (agent_id IS NULL) = (parent_agent_id IS NULL)
    ),
    CONSTRAINT fk_deployments_workflow_id FOREIGN KEY (account_id, workflow_id)
        REFERENCES workflows (account_id, workflow_id),
    CONSTRAINT fk_deployments_parent_workflow_id FOREIGN KEY (account_id, parent_workflow_id)
        REFERENCES workflows (account_id, workflow_id),
    CONSTRAINT fk_deployments_agent_id FOREIGN KEY (account_id, agent_id) REFERENCES agents (account_id, agent_id),
    CONSTRAINT fk_deployments_parent_agent_id FOREIGN KEY (account_id, parent_agent_id)
        REFERENCES agents (account_id, agent_id),
    CONSTRAINT ck_deployments_key CHECK ((key_sha256 IS NULL) = (key_prefix = '')),
    CONSTRAINT ck_deployments_deleted CHECK ((delete_time IS NULL) = (deleted_by IS NULL)),
    CONSTRAINT ck_deployments_running CHECK (state = 'STOPPED' OR delete_time IS NULL)
);
CREATE INDEX ix_deployments_account_id ON deployments (account_id, deployment_id DESC);
CREATE INDEX ix_deployments_check_time ON deployments (check_time NULLS FIRST) WHERE state <> 'STOPPED';

CREATE TABLE rollouts (
    deployment_id uuid NOT NULL,
    number integer NOT NULL CONSTRAINT ck_rollouts_number CHECK (number > 0),
    account_id uuid NOT NULL,
    workflow_id uuid,
    agent_id uuid,
    rolled_back_to integer NOT NULL,
    previous_number integer NOT NULL
        CONSTRAINT ck_rollouts_previous_number CHECK (previous_number >= 0 AND previous_number < number),
    user_id uuid NOT NULL,
    deploy_time timestamptz NOT NULL,
    CONSTRAINT pk_rollouts PRIMARY KEY (deployment_id, number),
    CONSTRAINT ck_rollouts_target CHECK (num_nonnulls(workflow_id, agent_id) = 1),
    CONSTRAINT fk_rollouts_deployment_id FOREIGN KEY (account_id, deployment_id)
        REFERENCES deployments (account_id, deployment_id)
);

ALTER TABLE executions
    ADD COLUMN deployment_id uuid,
    ADD CONSTRAINT fk_executions_deployment_id FOREIGN KEY (account_id, deployment_id)
        REFERENCES deployments (account_id, deployment_id);
CREATE INDEX ix_executions_deployment_id ON executions (deployment_id, execution_id DESC)
    WHERE deployment_id IS NOT NULL;
CREATE INDEX ix_executions_deployments_time ON executions (deployment_id, create_time)
    WHERE deployment_id IS NOT NULL;
CREATE INDEX ix_executions_deployments_running ON executions (deployment_id)
    WHERE deployment_id IS NOT NULL AND end_time IS NULL;
"""


def upgrade() -> None:
    """Create the tables, isolated by account; deployments leave by being marked as deleted."""
    schema.execute(_TABLES)
    schema.isolate("deployments", "execution", rights="SELECT, INSERT, UPDATE")
    schema.isolate("rollouts", "execution", rights="SELECT, INSERT")
