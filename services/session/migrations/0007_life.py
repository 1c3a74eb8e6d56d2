"""Sessions are paused, watched for idleness and opened again; devices tell what their person is called."""

from chassis import schema

revision = "0007"
down_revision = "0006"

_TABLES = """
ALTER TABLE sessions
    DROP CONSTRAINT ck_sessions_state,
    ADD CONSTRAINT ck_sessions_state
        CHECK (state IN ('STARTING', 'ACTIVE', 'PAUSED', 'STOPPED', 'FAILED', 'LOST')),
    DROP CONSTRAINT ck_sessions_runner,
    ADD CONSTRAINT ck_sessions_runner CHECK (state NOT IN ('ACTIVE', 'PAUSED') OR runner_id <> ''),
    ADD COLUMN idle_end_time timestamptz,
    ADD COLUMN restarted_from uuid;

ALTER TABLE session_attachments ADD COLUMN person text NOT NULL DEFAULT '';

CREATE TABLE session_idleness (
    session_id uuid CONSTRAINT pk_session_idleness PRIMARY KEY,
    account_id uuid NOT NULL,
    cpu_milliseconds bigint,
    cpu_time timestamptz NOT NULL,
    reconcile_time timestamptz,
    reconcile_epoch bigint NOT NULL DEFAULT 0,
    reconcile_attempts integer NOT NULL DEFAULT 0
);
CREATE INDEX ix_session_idleness_reconcile_time ON session_idleness (reconcile_time) WHERE reconcile_time IS NOT NULL;
CREATE INDEX ix_session_idleness_account_id ON session_idleness (account_id);

-- The owner sees no row of a table that is isolated; those that live are watched from now on.
ALTER TABLE sessions NO FORCE ROW LEVEL SECURITY;
INSERT INTO session_idleness (session_id, account_id, cpu_time, reconcile_time)
    SELECT session_id, account_id, now(), now() FROM sessions WHERE end_time IS NULL;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;

CREATE TABLE idle_policies (
    idle_policy_id uuid CONSTRAINT pk_idle_policies PRIMARY KEY,
    account_id uuid NOT NULL CONSTRAINT uq_idle_policies_account_id UNIQUE,
    "off" boolean NOT NULL,
    idle_after interval NOT NULL CONSTRAINT ck_idle_policies_idle_after CHECK (idle_after > interval '0'),
    warning interval NOT NULL CONSTRAINT ck_idle_policies_warning
        CHECK (warning >= interval '0' AND warning < idle_after),
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL
);
"""


def upgrade() -> None:
    """Add what the life of a session needs."""
    schema.execute(_TABLES)
    for table in ("session_idleness", "idle_policies"):
        schema.isolate(table, "session")
