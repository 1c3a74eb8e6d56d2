"""Contexts, what is said in them, and the actions that come of it; and chats."""

from chassis import schema

revision = "0011"
down_revision = "0010"

_TABLES = """
CREATE TABLE contexts (
    context_id uuid CONSTRAINT pk_contexts PRIMARY KEY,
    account_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    state text NOT NULL CONSTRAINT ck_contexts_state CHECK (state IN ('SETUP', 'ACTIVE', 'COMPLETED')),
    flow jsonb NOT NULL,
    config jsonb NOT NULL,
    metadata jsonb NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    delete_time timestamptz,
    purge_time timestamptz,
    deleted_by uuid,
    message_count bigint NOT NULL DEFAULT 0,
    reconcile_time timestamptz,
    reconcile_epoch bigint NOT NULL DEFAULT 0,
    reconcile_attempts integer NOT NULL DEFAULT 0,
    CONSTRAINT uq_contexts_account_id UNIQUE (account_id, context_id),
    CONSTRAINT ck_contexts_deleted CHECK (
        (delete_time IS NULL) = (purge_time IS NULL) AND (delete_time IS NULL) = (deleted_by IS NULL)
    )
);
CREATE INDEX ix_contexts_user_id ON contexts (account_id, user_id, context_id DESC);
CREATE INDEX ix_contexts_active ON contexts (account_id, user_id, update_time DESC)
    WHERE state = 'ACTIVE' AND delete_time IS NULL;
CREATE INDEX ix_contexts_reconcile_time ON contexts (reconcile_time) WHERE reconcile_time IS NOT NULL;

CREATE TABLE messages (
    message_id uuid CONSTRAINT pk_messages PRIMARY KEY,
    account_id uuid NOT NULL,
    context_id uuid NOT NULL,
    sequence bigint NOT NULL,
    role text NOT NULL CONSTRAINT ck_messages_role CHECK (role IN ('USER', 'ASSISTANT', 'SYSTEM')),
    author_id uuid,
    content text NOT NULL,
    metadata jsonb NOT NULL,
    create_time timestamptz NOT NULL,
    CONSTRAINT uq_messages_sequence UNIQUE (context_id, sequence),
    CONSTRAINT ck_messages_author CHECK ((role = 'SYSTEM') = (author_id IS NULL)),
    CONSTRAINT fk_messages_context_id FOREIGN KEY (account_id, context_id)
        REFERENCES contexts (account_id, context_id) ON DELETE CASCADE
);

CREATE TABLE actions (
    action_id uuid CONSTRAINT pk_actions PRIMARY KEY,
    account_id uuid NOT NULL,
    context_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    type text NOT NULL CONSTRAINT ck_actions_type
        CHECK (type IN ('CLONE_TEMPLATE', 'CONFIGURE_TOOLING', 'MODIFY_FILES')),
    payload jsonb NOT NULL,
    timeout interval NOT NULL CONSTRAINT ck_actions_timeout CHECK (timeout > interval '0'),
    state text NOT NULL CONSTRAINT ck_actions_state
        CHECK (state IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')),
    cancel_requested boolean NOT NULL,
    result jsonb,
    failure jsonb,
    session_id uuid,
    runner_id text NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    end_time timestamptz,
    reconcile_time timestamptz,
    reconcile_epoch bigint NOT NULL DEFAULT 0,
    reconcile_attempts integer NOT NULL DEFAULT 0,
    CONSTRAINT ck_actions_end CHECK (
        (state IN ('COMPLETED', 'FAILED', 'CANCELLED')) = (end_time IS NOT NULL)
    ),
    CONSTRAINT ck_actions_failure CHECK ((state = 'FAILED') = (failure IS NOT NULL)),
    CONSTRAINT ck_actions_run CHECK (state IN ('PENDING', 'FAILED', 'CANCELLED') OR session_id IS NOT NULL),
    CONSTRAINT ck_actions_final_is_not_due CHECK (end_time IS NULL OR reconcile_time IS NULL),
    CONSTRAINT fk_actions_context_id FOREIGN KEY (account_id, context_id)
        REFERENCES contexts (account_id, context_id) ON DELETE CASCADE
);
CREATE INDEX ix_actions_context_id ON actions (context_id, action_id DESC);
CREATE INDEX ix_actions_live ON actions (context_id) WHERE end_time IS NULL;
CREATE INDEX ix_actions_reconcile_time ON actions (reconcile_time) WHERE reconcile_time IS NOT NULL;
CREATE TRIGGER final_state BEFORE UPDATE ON actions FOR EACH ROW
    WHEN (OLD.end_time IS NOT NULL AND NEW.state <> OLD.state) EXECUTE FUNCTION refuse_leaving_final_state();
"""
_CHATS = """
CREATE TABLE chats (
    chat_id uuid CONSTRAINT pk_chats PRIMARY KEY,
    account_id uuid NOT NULL,
    creator_id uuid NOT NULL,
    is_private boolean NOT NULL,
    open_to_anyone_with_invite boolean NOT NULL,
    config jsonb NOT NULL,
    message_count bigint NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    CONSTRAINT uq_chats_account_id UNIQUE (account_id, chat_id)
);

CREATE TABLE chat_participants (
    participant_id uuid CONSTRAINT pk_chat_participants PRIMARY KEY,
    account_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    user_id uuid NOT NULL,
    read_sequence bigint NOT NULL,
    create_time timestamptz NOT NULL,
    CONSTRAINT uq_chat_participants_user_id UNIQUE (chat_id, user_id),
    CONSTRAINT fk_chat_participants_chat_id FOREIGN KEY (account_id, chat_id) REFERENCES chats (account_id, chat_id)
);
CREATE INDEX ix_chat_participants_user_id ON chat_participants (account_id, user_id, chat_id DESC);

CREATE TABLE chat_messages (
    chat_message_id uuid CONSTRAINT pk_chat_messages PRIMARY KEY,
    account_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    sequence bigint NOT NULL,
    author_id uuid NOT NULL,
    content text NOT NULL,
    create_time timestamptz NOT NULL,
    CONSTRAINT uq_chat_messages_sequence UNIQUE (chat_id, sequence),
    CONSTRAINT fk_chat_messages_chat_id FOREIGN KEY (account_id, chat_id) REFERENCES chats (account_id, chat_id)
);
"""


def upgrade() -> None:
    """Create the tables, each isolated by account."""
    schema.execute(_TABLES)
    schema.execute(_CHATS)
    for table in ("contexts", "messages", "actions", "chats", "chat_participants", "chat_messages"):
        schema.isolate(table, "session")
