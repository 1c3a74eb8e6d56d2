"""The tables that every service's schema has, and the statements that isolate accounts in a table.

Used by migrations only; `service` is the name of the schema and of its roles.
"""

from typing import Any

from alembic import op

from chassis.tables import PARTITION

_TABLES = """
CREATE TABLE idempotency (
    account_id uuid NOT NULL,
    request_id uuid NOT NULL,
    method text NOT NULL,
    request_sha256 bytea NOT NULL,
    resource_type text,
    resource_id uuid,
    create_time timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_idempotency PRIMARY KEY (account_id, request_id)
);
CREATE INDEX ix_idempotency_create_time ON idempotency (create_time);

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_outbox PRIMARY KEY,
    account_id uuid NOT NULL,
    header bytea NOT NULL,
    salt bytea NOT NULL,
    payload bytea NOT NULL
);

CREATE TABLE changes (
    position bigint NOT NULL,
    epoch bigint NOT NULL,
    account_id uuid NOT NULL,
    header bytea NOT NULL,
    salt bytea NOT NULL,
    payload bytea NOT NULL,
    CONSTRAINT pk_changes PRIMARY KEY (position)
) PARTITION BY RANGE (position);

CREATE TABLE relay_head (
    only_row boolean CONSTRAINT pk_relay_head PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch bigint NOT NULL DEFAULT 1,
    position bigint NOT NULL DEFAULT 0,
    epoch_base bigint NOT NULL DEFAULT 0,
    published_position bigint NOT NULL DEFAULT 0,
    timeline_id bigint NOT NULL
);
INSERT INTO relay_head (timeline_id) SELECT timeline_id FROM pg_control_checkpoint();

CREATE TABLE cursors (
    source text CONSTRAINT pk_cursors PRIMARY KEY,
    epoch bigint NOT NULL DEFAULT 1,
    position bigint NOT NULL DEFAULT 0,
    update_time timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION ensure_changes_partition(wanted bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    number bigint := wanted / {partition};
BEGIN
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS changes_%s PARTITION OF changes FOR VALUES FROM (%s) TO (%s)',
        number, number * {partition}, (number + 1) * {partition}
    );
END
$$;
SELECT ensure_changes_partition(0), ensure_changes_partition({partition});
"""

_ISOLATE = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON {table} TO {service}
    USING (account_id = NULLIF(current_setting('app.account_id', true), '')::uuid);
CREATE POLICY system ON {table} TO {service}_system USING (true);
GRANT {rights} ON {table} TO {service};
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {service}_system;
"""

_SYSTEM_ONLY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY system ON {table} TO {service}_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {service}_system;
"""


def execute(script: str) -> None:
    """Run several statements, which the driver does not prepare, in the migration's transaction.

    A lock that is not free within four seconds ends the migration rather than make requests queue behind it.
    """
    # Also begins the transaction, which SQLAlchemy leaves to its first statement.
    op.execute("SET LOCAL lock_timeout = '4s'")
    driver_connection: Any = op.get_bind().connection.dbapi_connection
    driver_connection.run_async(lambda driver: driver.execute(script))


def create_chassis_tables(service: str) -> None:
    """Create the outbox, the numbered changes, cursors and request ids, each isolated."""
    execute(_TABLES.format(partition=PARTITION))
    isolate("idempotency", service)
    isolate("outbox", service, rights="INSERT")
    for table in ("changes", "relay_head", "cursors"):
        execute(_SYSTEM_ONLY.format(table=table, service=service))
    execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {service} TO {service}, {service}_system")


def isolate(table: str, service: str, *, rights: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Let the service's role see the rows of one account at a time, and its system role all of them.

    Args:
        table: has a column `account_id uuid NOT NULL`.
        service: name of the schema.
        rights: what the service's role may do with the rows of the account it acts in.
    """
    execute(_ISOLATE.format(table=table, service=service, rights=rights))
