"""Sessions, their log in partitions by month, how far it is stored, and who types into it."""

from chassis import schema

revision = "0001"
down_revision = None

_TABLES = """
CREATE TABLE sessions (
    session_id uuid CONSTRAINT pk_sessions PRIMARY KEY,
    account_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT ck_sessions_kind CHECK (kind = 'TERMINAL'),
    state text NOT NULL CONSTRAINT ck_sessions_state
        CHECK (state IN ('STARTING', 'ACTIVE', 'STOPPED', 'FAILED', 'LOST')),
    shell text NOT NULL,
    working_directory text NOT NULL,
    environment_names text[] NOT NULL,
    columns integer NOT NULL CONSTRAINT ck_sessions_columns CHECK (columns BETWEEN 1 AND 1000),
    rows integer NOT NULL CONSTRAINT ck_sessions_rows CHECK (rows BETWEEN 1 AND 500),
    runner_id text NOT NULL,
    stop_request text,
    stop_cause_event_id text NOT NULL,
    stop_reason text,
    state_reason text NOT NULL,
    exit_code integer,
    exit_signal integer,
    log_complete boolean NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    end_time timestamptz,
    reconcile_time timestamptz,
    reconcile_epoch bigint NOT NULL DEFAULT 0,
    reconcile_attempts integer NOT NULL DEFAULT 0,
    CONSTRAINT ck_sessions_end CHECK (
        (state IN ('STOPPED', 'FAILED', 'LOST')) = (end_time IS NOT NULL) AND (end_time IS NULL) = (stop_reason IS NULL)
    ),
    CONSTRAINT ck_sessions_final_is_not_due CHECK (end_time IS NULL OR reconcile_time IS NULL),
    CONSTRAINT ck_sessions_runner CHECK (state <> 'ACTIVE' OR runner_id <> ''),
    CONSTRAINT ck_sessions_exit CHECK (exit_code IS NULL OR exit_signal IS NULL)
);
CREATE INDEX ix_sessions_account_id ON sessions (account_id, session_id DESC);
CREATE INDEX ix_sessions_workspace_id ON sessions (account_id, workspace_id, session_id DESC);
CREATE INDEX ix_sessions_live ON sessions (account_id) WHERE end_time IS NULL;
CREATE INDEX ix_sessions_reconcile_time ON sessions (reconcile_time) WHERE reconcile_time IS NOT NULL;

CREATE FUNCTION refuse_leaving_final_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is final', OLD.state
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'final_state';
END
$$;
CREATE TRIGGER final_state BEFORE UPDATE ON sessions FOR EACH ROW
    WHEN (OLD.end_time IS NOT NULL AND NEW.state <> OLD.state) EXECUTE FUNCTION refuse_leaving_final_state();

CREATE TABLE session_heads (
    session_id uuid CONSTRAINT pk_session_heads PRIMARY KEY,
    account_id uuid NOT NULL,
    head_sequence bigint NOT NULL,
    head_offset bigint NOT NULL,
    copier_epoch bigint NOT NULL,
    copier_process bigint NOT NULL,
    title text NOT NULL,
    last_activity_time timestamptz NOT NULL
);

CREATE TABLE session_events (
    session_id uuid NOT NULL,
    sequence bigint NOT NULL,
    account_id uuid NOT NULL,
    "offset" bigint NOT NULL,
    time timestamptz NOT NULL,
    type smallint NOT NULL CONSTRAINT ck_session_events_type CHECK (type BETWEEN 1 AND 4),
    data bytea NOT NULL,
    columns integer NOT NULL,
    rows integer NOT NULL,
    exit_code integer,
    exit_signal integer,
    reason text NOT NULL,
    CONSTRAINT pk_session_events PRIMARY KEY (session_id, sequence)
) PARTITION BY RANGE (session_id);
CREATE INDEX ix_session_events_offset ON session_events (session_id, "offset", sequence);

CREATE TABLE session_controls (
    session_id uuid CONSTRAINT pk_session_controls PRIMARY KEY,
    account_id uuid NOT NULL,
    lease_epoch bigint NOT NULL,
    attachment_id uuid
);

CREATE TABLE session_attachments (
    attachment_id uuid CONSTRAINT pk_session_attachments PRIMARY KEY,
    account_id uuid NOT NULL,
    session_id uuid NOT NULL,
    process bigint NOT NULL,
    subject text NOT NULL,
    device text NOT NULL,
    attach_time timestamptz NOT NULL
);
CREATE INDEX ix_session_attachments_session_id ON session_attachments (session_id);
"""

_FUNCTIONS = """
CREATE FUNCTION month_of_sessions(wanted timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(milliseconds), 12, '0') || repeat('0', 20))::uuid
    FROM (SELECT (extract(epoch FROM date_trunc('month', wanted, 'UTC')) * 1000)::bigint AS milliseconds) AS month
$$;

CREATE FUNCTION ensure_session_events_partition(wanted timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS session_events_%s PARTITION OF session_events FOR VALUES FROM (%L) TO (%L)',
        to_char(wanted AT TIME ZONE 'UTC', 'YYYY_MM'),
        month_of_sessions(wanted),
        month_of_sessions(date_trunc('month', wanted, 'UTC') + interval '1 month')
    );
END
$$;
SELECT ensure_session_events_partition(now() + make_interval(months => month)) FROM generate_series(-1, 1) AS month;

CREATE FUNCTION is_present(process bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND (classid::bigint << 32 | objid::bigint) = process
    )
$$;
"""


def upgrade() -> None:
    """Create the tables, each isolated by account."""
    schema.create_chassis_tables("session")
    schema.execute(_TABLES)
    schema.execute(_FUNCTIONS)
    for table in ("sessions", "session_heads", "session_events", "session_controls", "session_attachments"):
        schema.isolate(table, "session")
