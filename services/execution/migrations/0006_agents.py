"""Agents in versions, executions of them, and workflows and agents that are archived, or shown to everybody."""

from chassis import schema

revision = "0006"
down_revision = "0005"

_TABLES = """
CREATE TABLE agents (
    agent_id uuid CONSTRAINT pk_agents PRIMARY KEY,
    account_id uuid NOT NULL,
    parent_agent_id uuid NOT NULL,
    version_number integer NOT NULL CONSTRAINT ck_agents_version_number CHECK (version_number > 0),
    user_id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    tags text[] NOT NULL,
    is_public boolean NOT NULL,
    definition jsonb NOT NULL,
    capabilities text[] NOT NULL,
    max_execution_duration interval NOT NULL
        CONSTRAINT ck_agents_max_execution_duration
            CHECK (max_execution_duration > interval '0' AND max_execution_duration <= interval '1 day'),
    max_memory integer NOT NULL CONSTRAINT ck_agents_max_memory CHECK (max_memory BETWEEN 1 AND 65536),
    max_concurrent_executions integer NOT NULL
        CONSTRAINT ck_agents_max_concurrent_executions CHECK (max_concurrent_executions BETWEEN 1 AND 1000),
    state text NOT NULL CONSTRAINT ck_agents_state CHECK (state IN ('DRAFT', 'ACTIVE', 'INACTIVE', 'ARCHIVED')),
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    delete_time timestamptz,
    deleted_by uuid,
    CONSTRAINT uq_agents_account_id UNIQUE (account_id, agent_id),
    CONSTRAINT uq_agents_version_number UNIQUE (parent_agent_id, version_number),
    CONSTRAINT ck_agents_first CHECK ((agent_id = parent_agent_id) = (version_number = 1)),
    CONSTRAINT ck_agents_deleted CHECK ((delete_time IS NULL) = (deleted_by IS NULL)),
    CONSTRAINT ck_agents_active CHECK (state <> 'ACTIVE' OR delete_time IS NULL)
);
CREATE UNIQUE INDEX uq_agents_active ON agents (parent_agent_id) WHERE state = 'ACTIVE';
CREATE INDEX ix_agents_account_id ON agents (account_id, agent_id DESC);
CREATE INDEX ix_agents_tags ON agents USING gin (tags);

ALTER TABLE workflows
    ADD COLUMN is_public boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT ck_workflows_state,
    ADD CONSTRAINT ck_workflows_state CHECK (state IN ('DRAFT', 'ACTIVE', 'INACTIVE', 'ARCHIVED'));

ALTER TABLE executions
    ADD COLUMN agent_id uuid,
    ADD CONSTRAINT fk_executions_agent_id FOREIGN KEY (account_id, agent_id) REFERENCES agents (account_id, agent_id),
    DROP CONSTRAINT ck_executions_target,
    ADD CONSTRAINT ck_executions_target CHECK (num_nonnulls(workflow_id, agent_id, definition) = 1);
CREATE INDEX ix_executions_agent_id ON executions (agent_id, execution_id DESC) WHERE agent_id IS NOT NULL;
CREATE INDEX ix_executions_agents_running ON executions (agent_id) WHERE agent_id IS NOT NULL AND end_time IS NULL;

CREATE INDEX ix_workflows_public ON workflows (workflow_id DESC) WHERE is_public AND state = 'ACTIVE';
CREATE INDEX ix_agents_public ON agents (agent_id DESC) WHERE is_public AND state = 'ACTIVE';

CREATE FUNCTION refuse_changing_active() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a version of % that was activated does not change', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER active_is_immutable BEFORE UPDATE ON workflows FOR EACH ROW
    WHEN (OLD.state <> 'DRAFT' AND OLD.definition <> NEW.definition) EXECUTE FUNCTION refuse_changing_active();
CREATE TRIGGER active_is_immutable BEFORE UPDATE ON agents FOR EACH ROW
    WHEN (OLD.state <> 'DRAFT' AND OLD.definition <> NEW.definition) EXECUTE FUNCTION refuse_changing_active();
"""


def upgrade() -> None:
    """Create the table, isolated by account; agents leave by being marked as deleted."""
    schema.execute(_TABLES)
    schema.isolate("agents", "execution", rights="SELECT, INSERT, UPDATE")
