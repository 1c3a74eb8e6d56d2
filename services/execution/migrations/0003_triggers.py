"""Triggers, what was delivered for them, and what they decided: one decision about each occurrence."""

from chassis import schema

revision = "0003"
down_revision = "0002"

_TABLES = """
CREATE TABLE triggers (
    trigger_id uuid CONSTRAINT pk_triggers PRIMARY KEY,
    account_id uuid NOT NULL,
    name text NOT NULL,
    parent_workflow_id uuid NOT NULL,
    type text NOT NULL CONSTRAINT ck_triggers_type CHECK (type IN ('SCHEDULED', 'WEBHOOK', 'EVENT')),
    inputs jsonb NOT NULL,
    config jsonb NOT NULL,
    state text NOT NULL CONSTRAINT ck_triggers_state CHECK (state IN ('ENABLED', 'DISABLED')),
    user_id uuid NOT NULL,
    next_time timestamptz,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    delete_time timestamptz,
    deleted_by uuid,
    secret bytea,
    enable_time timestamptz,
    CONSTRAINT uq_triggers_account_id UNIQUE (account_id, trigger_id),
    CONSTRAINT fk_triggers_parent_workflow_id FOREIGN KEY (account_id, parent_workflow_id)
        REFERENCES workflows (account_id, workflow_id),
    CONSTRAINT ck_triggers_next_time CHECK (next_time IS NULL OR (type = 'SCHEDULED' AND state = 'ENABLED')),
    CONSTRAINT ck_triggers_deleted CHECK ((delete_time IS NULL) = (deleted_by IS NULL)),
    CONSTRAINT ck_triggers_enabled CHECK (state <> 'ENABLED' OR delete_time IS NULL),
    CONSTRAINT ck_triggers_enable_time CHECK ((state = 'ENABLED') = (enable_time IS NOT NULL)),
    CONSTRAINT ck_triggers_secret CHECK (type <> 'WEBHOOK' OR state <> 'ENABLED' OR secret IS NOT NULL)
);
CREATE INDEX ix_triggers_account_id ON triggers (account_id, trigger_id DESC);
CREATE INDEX ix_triggers_next_time ON triggers (next_time) WHERE next_time IS NOT NULL;
CREATE INDEX ix_triggers_event ON triggers (account_id) WHERE type = 'EVENT' AND state = 'ENABLED';

CREATE TABLE trigger_occurrences (
    occurrence_id uuid CONSTRAINT pk_trigger_occurrences PRIMARY KEY,
    account_id uuid NOT NULL,
    trigger_id uuid NOT NULL,
    key text NOT NULL,
    time timestamptz NOT NULL,
    last_time timestamptz CONSTRAINT ck_trigger_occurrences_last_time CHECK (last_time > time),
    decision text NOT NULL CONSTRAINT ck_trigger_occurrences_decision
        CHECK (decision IN ('STARTED', 'SKIPPED', 'FAILED', 'REFUSED')),
    reason text NOT NULL,
    message text NOT NULL,
    execution_id uuid,
    decide_time timestamptz NOT NULL,
    CONSTRAINT uq_trigger_occurrences_key UNIQUE (trigger_id, key),
    CONSTRAINT fk_trigger_occurrences_trigger_id FOREIGN KEY (account_id, trigger_id)
        REFERENCES triggers (account_id, trigger_id),
    CONSTRAINT fk_trigger_occurrences_execution_id FOREIGN KEY (account_id, execution_id)
        REFERENCES executions (account_id, execution_id),
    CONSTRAINT ck_trigger_occurrences_started CHECK ((decision = 'STARTED') = (execution_id IS NOT NULL)),
    CONSTRAINT ck_trigger_occurrences_reason CHECK ((decision = 'STARTED') = (reason = ''))
);
CREATE INDEX ix_trigger_occurrences_trigger_id ON trigger_occurrences (trigger_id, occurrence_id DESC);
CREATE UNIQUE INDEX uq_trigger_occurrences_execution_id ON trigger_occurrences (execution_id)
    WHERE execution_id IS NOT NULL;

CREATE TABLE deliveries (
    delivery_id uuid CONSTRAINT pk_deliveries PRIMARY KEY,
    account_id uuid NOT NULL,
    trigger_id uuid NOT NULL,
    key text NOT NULL,
    headers jsonb NOT NULL,
    content_type text NOT NULL,
    body bytea NOT NULL CONSTRAINT ck_deliveries_body CHECK (octet_length(body) <= 1048576),
    size_bytes integer NOT NULL,
    redelivery_count integer NOT NULL,
    receive_time timestamptz NOT NULL,
    CONSTRAINT uq_deliveries_key UNIQUE (trigger_id, key),
    CONSTRAINT fk_deliveries_trigger_id FOREIGN KEY (account_id, trigger_id)
        REFERENCES triggers (account_id, trigger_id)
);
CREATE INDEX ix_deliveries_trigger_id ON deliveries (trigger_id, delivery_id DESC);
CREATE INDEX ix_deliveries_receive_time ON deliveries (receive_time);

CREATE TABLE trigger_events (
    trigger_event_id uuid CONSTRAINT pk_trigger_events PRIMARY KEY,
    account_id uuid NOT NULL,
    trigger_id uuid NOT NULL,
    key text NOT NULL,
    depth integer NOT NULL,
    change bytea NOT NULL,
    reconcile_time timestamptz,
    reconcile_epoch bigint NOT NULL DEFAULT 0,
    reconcile_attempts integer NOT NULL DEFAULT 0,
    CONSTRAINT uq_trigger_events_key UNIQUE (trigger_id, key),
    CONSTRAINT fk_trigger_events_trigger_id FOREIGN KEY (account_id, trigger_id)
        REFERENCES triggers (account_id, trigger_id)
);
CREATE INDEX ix_trigger_events_reconcile_time ON trigger_events (reconcile_time) WHERE reconcile_time IS NOT NULL;

ALTER TABLE executions ADD COLUMN trigger_id uuid;
ALTER TABLE executions ADD COLUMN trigger_depth integer NOT NULL DEFAULT 0;
ALTER TABLE executions ADD CONSTRAINT fk_executions_trigger_id FOREIGN KEY (account_id, trigger_id)
    REFERENCES triggers (account_id, trigger_id);
"""


def upgrade() -> None:
    """Create the tables, each isolated by account."""
    schema.execute(_TABLES)
    schema.isolate("triggers", "execution", rights="SELECT, INSERT, UPDATE")
    schema.isolate("trigger_occurrences", "execution", rights="SELECT, INSERT")
    schema.isolate("trigger_events", "execution", rights="SELECT, DELETE")
    schema.isolate("deliveries", "execution", rights="SELECT, INSERT, UPDATE")
