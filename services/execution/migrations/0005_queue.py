"""Limits of executions that run at once, and those that wait; those that go on from others; the age of logs."""

from chassis import schema

revision = "0005"
down_revision = "0004"

_TABLES = """
ALTER TABLE workflows ADD COLUMN max_concurrent_executions integer NOT NULL DEFAULT 0
    CONSTRAINT ck_workflows_max_concurrent_executions CHECK (max_concurrent_executions >= 0);

ALTER TABLE executions
    ADD COLUMN parent_workflow_id uuid,
    ADD COLUMN priority smallint NOT NULL DEFAULT 0
        CONSTRAINT ck_executions_priority CHECK (priority BETWEEN -10 AND 10),
    ADD COLUMN origin_execution_id uuid,
    ADD COLUMN origin_path text,
    ADD COLUMN step_inputs jsonb,
    ADD CONSTRAINT fk_executions_origin_execution_id FOREIGN KEY (account_id, origin_execution_id)
        REFERENCES executions (account_id, execution_id),
    ADD CONSTRAINT ck_executions_origin CHECK ((origin_execution_id IS NULL) = (origin_path IS NULL)),
    ALTER COLUMN start_time DROP NOT NULL,
    DROP CONSTRAINT ck_executions_state,
    DROP CONSTRAINT ck_executions_end;
UPDATE executions SET parent_workflow_id = workflows.parent_workflow_id
FROM workflows WHERE workflows.workflow_id = executions.workflow_id;
ALTER TABLE executions
    ADD CONSTRAINT ck_executions_state
        CHECK (state IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT')),
    ADD CONSTRAINT ck_executions_end CHECK ((state IN ('PENDING', 'RUNNING')) = (end_time IS NULL)),
    ADD CONSTRAINT ck_executions_start CHECK (CASE state
        WHEN 'PENDING' THEN start_time IS NULL AND engine_id IS NULL AND depth = 0
        WHEN 'CANCELLED' THEN true
        ELSE start_time IS NOT NULL
    END),
    ADD CONSTRAINT ck_executions_family CHECK (workflow_id IS NOT NULL OR parent_workflow_id IS NULL);

-- The unique index of the same columns is read backwards just as well.
DROP INDEX ix_executions_account_id;
DROP INDEX ix_executions_wake_time;
CREATE INDEX ix_executions_wake_time ON executions (wake_time) WHERE state = 'RUNNING';
CREATE INDEX ix_executions_queue
    ON executions (account_id, COALESCE(parent_workflow_id, account_id), priority DESC, execution_id)
    WHERE state = 'PENDING';
CREATE INDEX ix_executions_running ON executions (account_id, COALESCE(parent_workflow_id, account_id))
    WHERE state = 'RUNNING' AND depth = 0;
CREATE INDEX ix_executions_end_time ON executions (account_id, end_time DESC, execution_id DESC)
    WHERE end_time IS NOT NULL;
CREATE INDEX ix_execution_logs_log_time ON execution_logs USING brin (log_time);

DROP TRIGGER start_time_is_written_once ON executions;
CREATE TRIGGER start_time_is_written_once BEFORE UPDATE ON executions FOR EACH ROW
    WHEN (OLD.start_time IS NOT NULL AND NEW.start_time IS DISTINCT FROM OLD.start_time)
    EXECUTE FUNCTION refuse_leaving_final_state();
"""


def upgrade() -> None:
    """Add the columns, and have those that wait be found."""
    schema.execute(_TABLES)
