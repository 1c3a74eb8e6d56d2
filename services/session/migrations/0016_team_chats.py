"""Teams have chats."""

from chassis import schema

revision = "0016"
down_revision = "0015"

_STATEMENTS = """
ALTER TABLE chats
    ADD COLUMN team_id uuid,
    ADD CONSTRAINT ck_chats_team CHECK (team_id IS NULL OR team_id = account_id) NOT VALID;
CREATE UNIQUE INDEX uq_chats_team_id ON chats (team_id) WHERE team_id IS NOT NULL;
"""


def upgrade() -> None:
    """Add the team whose chat one is."""
    schema.execute(_STATEMENTS)
