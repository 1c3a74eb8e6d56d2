"""The newest screen of each session, and records of more types."""

from chassis import schema

revision = "0006"
down_revision = "0005"

_TABLES = """
CREATE TABLE session_screens (
    session_id uuid CONSTRAINT pk_session_screens PRIMARY KEY,
    account_id uuid NOT NULL,
    sequence bigint NOT NULL,
    "offset" bigint NOT NULL,
    screen bytea NOT NULL
);
ALTER TABLE session_events DROP CONSTRAINT ck_session_events_type;
"""


def upgrade() -> None:
    """Create the table; what types there are is the contract's business."""
    schema.execute(_TABLES)
    schema.isolate("session_screens", "session")
