"""The one table of the service that tests let changes come from."""

from alembic import op

from chassis import schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create it."""
    schema.create_chassis_tables("workspace")
    op.execute(
        "CREATE TABLE rooms (room_id uuid CONSTRAINT pk_rooms PRIMARY KEY, account_id uuid NOT NULL,"
        " version bigint NOT NULL, name text NOT NULL)"
    )
    schema.isolate("rooms", "workspace")
