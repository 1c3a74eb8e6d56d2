"""Sessions may run coding agents, which take turns and ask permission, and may open sessions of their own."""

from chassis import schema

revision = "0008"
down_revision = "0007"

_SESSIONS = """
ALTER TABLE sessions
    DROP CONSTRAINT ck_sessions_kind,
    ADD CONSTRAINT ck_sessions_kind CHECK (kind IN ('TERMINAL', 'COMMAND', 'AGENT')),
    ADD COLUMN agent jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN parent_session_id uuid;
"""
_TABLES = """
CREATE TABLE agent_turns (
    turn_id uuid CONSTRAINT pk_agent_turns PRIMARY KEY,
    account_id uuid NOT NULL,
    session_id uuid NOT NULL,
    state text NOT NULL CONSTRAINT ck_agent_turns_state CHECK (state IN ('RUNNING', 'CANCELLING', 'ENDED')),
    subject text NOT NULL,
    prompt_sha256 bytea NOT NULL,
    prompt_bytes integer NOT NULL,
    sequence bigint NOT NULL,
    end_reason text NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    end_time timestamptz,
    CONSTRAINT ck_agent_turns_end CHECK ((state = 'ENDED') = (end_time IS NOT NULL))
);
CREATE INDEX ix_agent_turns_session_id ON agent_turns (session_id, sequence DESC);

CREATE TABLE agent_permissions (
    permission_id uuid CONSTRAINT pk_agent_permissions PRIMARY KEY,
    account_id uuid NOT NULL,
    session_id uuid NOT NULL,
    turn_id uuid,
    state text NOT NULL CONSTRAINT ck_agent_permissions_state CHECK (state IN ('PENDING', 'ANSWERED', 'WITHDRAWN')),
    title text NOT NULL,
    kind text NOT NULL,
    options jsonb NOT NULL,
    option_id text NOT NULL,
    subject text NOT NULL,
    sequence bigint NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    end_time timestamptz,
    CONSTRAINT ck_agent_permissions_end CHECK ((state = 'PENDING') = (end_time IS NULL))
);
CREATE INDEX ix_agent_permissions_session_id ON agent_permissions (session_id, sequence DESC);
"""


def upgrade() -> None:
    """Add what agents need; sessions of before have none."""
    schema.execute(_SESSIONS)
    schema.execute(_TABLES)
    for table in ("agent_turns", "agent_permissions"):
        schema.isolate(table, "session")
