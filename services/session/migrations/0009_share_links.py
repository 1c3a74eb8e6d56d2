"""Links into sessions for people without an account, and the tickets that opening one gives."""

from chassis import schema

revision = "0009"
down_revision = "0007"

_TABLES = """
CREATE TABLE share_links (
    share_link_id uuid CONSTRAINT pk_share_links PRIMARY KEY,
    account_id uuid NOT NULL,
    session_id uuid NOT NULL,
    controls boolean NOT NULL,
    label text NOT NULL,
    secret_sha256 bytea NOT NULL CONSTRAINT ck_share_links_secret_sha256 CHECK (length(secret_sha256) = 32),
    expire_time timestamptz NOT NULL,
    revoke_time timestamptz,
    open_count integer NOT NULL,
    last_open_time timestamptz,
    version bigint NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL
);
CREATE INDEX ix_share_links_account_id ON share_links (account_id, share_link_id DESC);
CREATE INDEX ix_share_links_session_id ON share_links (account_id, session_id, share_link_id DESC);

CREATE TABLE share_tickets (
    ticket_id uuid CONSTRAINT pk_share_tickets PRIMARY KEY,
    account_id uuid NOT NULL,
    share_link_id uuid NOT NULL,
    secret_sha256 bytea NOT NULL CONSTRAINT ck_share_tickets_secret_sha256 CHECK (length(secret_sha256) = 32),
    expire_time timestamptz NOT NULL
);
CREATE INDEX ix_share_tickets_share_link_id ON share_tickets (share_link_id);
"""


def upgrade() -> None:
    """Create the tables, each isolated by account."""
    schema.execute(_TABLES)
    for table in ("share_links", "share_tickets"):
        schema.isolate(table, "session")
