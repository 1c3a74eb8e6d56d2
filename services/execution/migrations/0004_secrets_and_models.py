"""Secrets that steps use by name, and what they use of models."""

from chassis import schema

revision = "0004"
down_revision = "0003"

_TABLES = """
CREATE TABLE secrets (
    secret_id uuid CONSTRAINT pk_secrets PRIMARY KEY,
    account_id uuid NOT NULL,
    name text NOT NULL,
    sealed bytea NOT NULL,
    user_id uuid NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    CONSTRAINT uq_secrets_name UNIQUE (account_id, name)
);

CREATE TABLE model_uses (
    model_use_id uuid CONSTRAINT pk_model_uses PRIMARY KEY,
    account_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    path text NOT NULL,
    attempt integer NOT NULL,
    turn integer NOT NULL,
    model text NOT NULL,
    input_tokens bigint NOT NULL CONSTRAINT ck_model_uses_input_tokens CHECK (input_tokens >= 0),
    output_tokens bigint NOT NULL CONSTRAINT ck_model_uses_output_tokens CHECK (output_tokens >= 0),
    cost_micros bigint NOT NULL CONSTRAINT ck_model_uses_cost_micros CHECK (cost_micros >= 0),
    use_time timestamptz NOT NULL,
    CONSTRAINT fk_model_uses_execution_id FOREIGN KEY (account_id, execution_id)
        REFERENCES executions (account_id, execution_id)
);
CREATE INDEX ix_model_uses_execution_id ON model_uses (execution_id, model_use_id);
CREATE INDEX ix_model_uses_use_time ON model_uses (account_id, use_time);
"""


def upgrade() -> None:
    """Create the table, isolated by account."""
    schema.execute(_TABLES)
    schema.isolate("model_uses", "execution", rights="SELECT, INSERT")
    schema.isolate("secrets", "execution", rights="SELECT, INSERT, UPDATE, DELETE")
