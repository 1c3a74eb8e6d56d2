"""Saves of rooms with disks of their own are kept in the database, as packs in pieces; runners may live for a save."""

from chassis import schema

revision = "0010"
down_revision = "0009"

# Who removes the chunks of a pack does that piece by piece, and the pack last.
_PACKS = """
CREATE TABLE save_packs (
    pack_id uuid CONSTRAINT pk_save_packs PRIMARY KEY,
    account_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    save_id uuid NOT NULL
        CONSTRAINT fk_save_packs_save_id REFERENCES saves
        CONSTRAINT uq_save_packs_save_id UNIQUE,
    base_id uuid CONSTRAINT fk_save_packs_base_id REFERENCES save_packs,
    commit_id text NOT NULL DEFAULT '',
    size_bytes bigint NOT NULL DEFAULT 0,
    sha256 bytea NOT NULL DEFAULT '',
    facts text,
    create_time timestamptz NOT NULL
);
CREATE INDEX ix_save_packs_base_id ON save_packs (base_id);
CREATE INDEX ix_save_packs_workspace_id ON save_packs (workspace_id);

CREATE TABLE save_chunks (
    pack_id uuid NOT NULL CONSTRAINT fk_save_chunks_pack_id REFERENCES save_packs ON DELETE CASCADE,
    account_id uuid NOT NULL,
    number integer NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT pk_save_chunks PRIMARY KEY (pack_id, number)
);
ALTER TABLE save_chunks ALTER COLUMN data SET STORAGE EXTERNAL;
"""

_PURPOSES = """
ALTER TABLE runners DROP CONSTRAINT ck_runners_purpose, ADD CONSTRAINT ck_runners_purpose
    CHECK (purpose IN ('WORKSPACE', 'SAVE'));
"""


def upgrade() -> None:
    """Add the tables, and the purpose. What is in a pack is compressed, so PostgreSQL does not try it again."""
    schema.execute(_PACKS)
    for table in ("save_packs", "save_chunks"):
        schema.isolate(table, "workspace")
    schema.execute(_PURPOSES)
