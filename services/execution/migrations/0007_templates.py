"""Templates, what was made of them, and what people think of them."""

from chassis import schema

revision = "0007"
down_revision = "0006"

_TABLES = """
CREATE TABLE templates (
    template_id uuid CONSTRAINT pk_templates PRIMARY KEY,
    account_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    tags text[] NOT NULL,
    type text NOT NULL CONSTRAINT ck_templates_type CHECK (type IN ('AGENT', 'WORKFLOW', 'STEP')),
    category text NOT NULL,
    data jsonb NOT NULL,
    parameters jsonb NOT NULL,
    is_public boolean NOT NULL,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    workflow_id uuid,
    agent_id uuid,
    delete_time timestamptz,
    deleted_by uuid,
    CONSTRAINT ck_templates_source CHECK (num_nonnulls(workflow_id, agent_id) <= 1),
    CONSTRAINT ck_templates_deleted CHECK ((delete_time IS NULL) = (deleted_by IS NULL)),
    CONSTRAINT fk_templates_workflow_id FOREIGN KEY (account_id, workflow_id)
        REFERENCES workflows (account_id, workflow_id),
    CONSTRAINT fk_templates_agent_id FOREIGN KEY (account_id, agent_id) REFERENCES agents (account_id, agent_id)
);
CREATE INDEX ix_templates_account_id ON templates (account_id, template_id DESC);
CREATE INDEX ix_templates_public ON templates (template_id DESC) WHERE is_public AND delete_time IS NULL;
CREATE INDEX ix_templates_tags ON templates USING gin (tags);

CREATE TABLE template_uses (
    use_id uuid CONSTRAINT pk_template_uses PRIMARY KEY,
    account_id uuid NOT NULL,
    template_id uuid NOT NULL
        CONSTRAINT fk_template_uses_template_id REFERENCES templates (template_id),
    use_time timestamptz NOT NULL
);
CREATE INDEX ix_template_uses_template_id ON template_uses (template_id);

CREATE TABLE template_ratings (
    template_id uuid NOT NULL CONSTRAINT fk_template_ratings_template_id REFERENCES templates (template_id),
    user_id uuid NOT NULL,
    account_id uuid NOT NULL,
    rating smallint NOT NULL CONSTRAINT ck_template_ratings_rating CHECK (rating BETWEEN 1 AND 5),
    rate_time timestamptz NOT NULL,
    CONSTRAINT pk_template_ratings PRIMARY KEY (template_id, user_id, account_id)
);
"""
_SHOWN = """
CREATE POLICY shown ON templates FOR SELECT TO execution USING (is_public AND delete_time IS NULL);
"""


def upgrade() -> None:
    """Create the tables, isolated by account; what is public, as official ones are, is seen from every account."""
    schema.execute(_TABLES)
    schema.isolate("templates", "execution", rights="SELECT, INSERT, UPDATE")
    schema.isolate("template_uses", "execution", rights="SELECT, INSERT")
    schema.isolate("template_ratings", "execution", rights="SELECT, INSERT, UPDATE")
    schema.execute(_SHOWN)
