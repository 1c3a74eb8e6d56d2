"""The entries of the ledger."""

from chassis import schema

revision = "0001"
down_revision = None

PARTITION = 1_000_000
"""Positions in one partition. Sources share partitions; each is filled once for every source."""

_ENTRIES = """
CREATE TABLE entries (
    source text NOT NULL,
    epoch bigint NOT NULL,
    position bigint NOT NULL,
    account_id uuid NOT NULL,
    audit_log_id uuid NOT NULL,
    entity_type text NOT NULL,
    entity_id uuid NOT NULL,
    entity_version bigint NOT NULL,
    type text NOT NULL,
    outcome integer NOT NULL,
    actor_id text NOT NULL,
    credential_id text NOT NULL,
    cause_event_id text NOT NULL,
    request_id text NOT NULL,
    trace_id text NOT NULL,
    time timestamptz NOT NULL,
    has_content boolean NOT NULL,
    header bytea NOT NULL,
    salt bytea NOT NULL,
    payload bytea NOT NULL,
    digest bytea NOT NULL CONSTRAINT ck_entries_digest CHECK (length(digest) = 32),
    record_time timestamptz NOT NULL,
    orphaned boolean NOT NULL,
    CONSTRAINT pk_entries PRIMARY KEY (source, epoch, position)
) PARTITION BY RANGE (position);

CREATE INDEX ix_entries_account_id_audit_log_id ON entries (account_id, audit_log_id);
CREATE INDEX ix_entries_account_id_entity_id ON entries (account_id, entity_id, entity_version, position);
CREATE INDEX ix_entries_account_id_actor_id ON entries (account_id, actor_id, audit_log_id);
CREATE INDEX ix_entries_account_id_request_id ON entries (account_id, request_id, audit_log_id);

CREATE FUNCTION ensure_entries_partition(wanted bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    number bigint := wanted / {partition};
BEGIN
    IF to_regclass(format('entries_%s', number)) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE entries_%s PARTITION OF entries FOR VALUES FROM (%s) TO (%s)',
            number, number * {partition}, (number + 1) * {partition}
        );
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION ensure_entries_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_entries_partition TO audit_system;
SELECT ensure_entries_partition(0);
"""

# What was recorded stays as it was: nobody who serves or records may change an entry, but for the mark of one that its
# source lost.
_APPEND_ONLY = """
REVOKE UPDATE, DELETE ON entries FROM audit_system;
GRANT UPDATE (orphaned) ON entries TO audit_system;
"""


def upgrade() -> None:
    """Create the ledger."""
    schema.create_chassis_tables("audit")
    schema.execute(_ENTRIES.format(partition=PARTITION))
    schema.isolate("entries", "audit", rights="SELECT")
    schema.execute(_APPEND_ONLY)
