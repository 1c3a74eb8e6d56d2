"""A log knows its terminal's sizes, and is let go by the month; a session knows which secrets are masked in it."""

from chassis import schema

revision = "0010"
down_revision = "0009"

_STATEMENTS = """
ALTER TABLE session_heads
    ADD COLUMN begin_columns integer NOT NULL DEFAULT 80,
    ADD COLUMN begin_rows integer NOT NULL DEFAULT 24;
-- The owner sees no row of tables that are isolated.
ALTER TABLE sessions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE session_heads NO FORCE ROW LEVEL SECURITY;
UPDATE session_heads SET begin_columns = sessions.columns, begin_rows = sessions.rows
    FROM sessions WHERE sessions.session_id = session_heads.session_id;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE session_heads FORCE ROW LEVEL SECURITY;
CREATE INDEX ix_session_events_resize ON session_events (session_id, sequence) WHERE type = 2;

ALTER TABLE sessions ADD COLUMN secret_names text[] NOT NULL DEFAULT '{}';

CREATE TABLE log_months (
    log_month_id uuid CONSTRAINT pk_log_months PRIMARY KEY,
    account_id uuid NOT NULL,
    start_time timestamptz NOT NULL,
    session_count bigint NOT NULL,
    record_count bigint NOT NULL,
    output_bytes bigint NOT NULL,
    version bigint NOT NULL,
    expire_time timestamptz NOT NULL,
    CONSTRAINT uq_log_months_account_id_start_time UNIQUE (account_id, start_time)
);

CREATE FUNCTION drop_session_events_partition(wanted timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '1s' AS $$
BEGIN
    IF wanted >= date_trunc('month', now(), 'UTC') THEN
        RAISE EXCEPTION 'the month of % is not over', wanted;
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS session_events_%s', to_char(wanted AT TIME ZONE 'UTC', 'YYYY_MM'));
END
$$;
REVOKE ALL ON FUNCTION drop_session_events_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_session_events_partition TO session_system;
"""


def upgrade() -> None:
    """Add all of it. Sessions of before begin with the size they have, which is wrong where they were resized."""
    schema.execute(_STATEMENTS)
    schema.isolate("log_months", "session")
