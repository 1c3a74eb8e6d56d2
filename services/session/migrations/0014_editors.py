"""Editors: sessions without a process, the buffers that are open in them, and where devices are in those."""

from chassis import schema

revision = "0014"
down_revision = "0013"

_SESSIONS = """
ALTER TABLE sessions
    DROP CONSTRAINT ck_sessions_kind,
    ADD CONSTRAINT ck_sessions_kind CHECK (kind IN ('TERMINAL', 'COMMAND', 'AGENT', 'EDITOR')),
    DROP CONSTRAINT ck_sessions_runner,
    ADD CONSTRAINT ck_sessions_runner CHECK (state NOT IN ('ACTIVE', 'PAUSED') OR kind = 'EDITOR' OR runner_id <> '');
"""
_TABLES = """
CREATE TABLE editor_buffers (
    buffer_id uuid CONSTRAINT pk_editor_buffers PRIMARY KEY,
    account_id uuid NOT NULL,
    session_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    path text NOT NULL,
    revision bigint NOT NULL,
    size_bytes integer NOT NULL CONSTRAINT ck_editor_buffers_size CHECK (size_bytes BETWEEN 0 AND 2097152),
    text_sha256 bytea NOT NULL,
    file_etag text NOT NULL,
    file_sha256 bytea NOT NULL,
    saving_sha256 bytea,
    saving_time timestamptz,
    outside text CONSTRAINT ck_editor_buffers_outside CHECK (outside IN ('CHANGED', 'DELETED')),
    outside_etag text NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    close_time timestamptz,
    text text NOT NULL,
    unsaved boolean NOT NULL GENERATED ALWAYS AS (
        close_time IS NULL
        AND (text_sha256 <> file_sha256 OR (outside IS NOT DISTINCT FROM 'DELETED' AND size_bytes > 0))
    ) STORED
);
CREATE UNIQUE INDEX uq_editor_buffers_session_id_path ON editor_buffers (session_id, md5(path))
    WHERE close_time IS NULL;
CREATE INDEX ix_editor_buffers_account_id ON editor_buffers (account_id, buffer_id DESC) WHERE close_time IS NULL;
CREATE INDEX ix_editor_buffers_close_time ON editor_buffers (account_id, close_time) WHERE close_time IS NOT NULL;

CREATE TABLE editor_cursors (
    session_id uuid NOT NULL,
    subject text NOT NULL,
    device text NOT NULL,
    account_id uuid NOT NULL,
    buffer_id uuid NOT NULL,
    person text NOT NULL,
    anchor integer NOT NULL,
    head integer NOT NULL,
    move_time timestamptz NOT NULL,
    CONSTRAINT pk_editor_cursors PRIMARY KEY (session_id, subject, device)
);
"""


def upgrade() -> None:
    """Let editors in, and add what they need."""
    schema.execute(_SESSIONS)
    schema.execute(_TABLES)
    for table in ("editor_buffers", "editor_cursors"):
        schema.isolate(table, "session")
