"""Writes to the ledger, in the transaction of the consumer's cursor and so on the driver's own connection."""

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING

from services.audit.ledger.domain import Entry

if TYPE_CHECKING:
    from chassis.system import Connection

_INSERT = """
INSERT INTO entries (
    source, epoch, position, account_id, audit_log_id, entity_type, entity_id, entity_version, type, outcome,
    actor_id, credential_id, cause_event_id, request_id, trace_id, time, has_content,
    header, salt, payload, digest, record_time, orphaned
)
SELECT * FROM unnest(
    $1::text[], $2::bigint[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::uuid[], $8::bigint[], $9::text[],
    $10::integer[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::timestamptz[], $17::boolean[],
    $18::bytea[], $19::bytea[], $20::bytea[], $21::bytea[], $22::timestamptz[], $23::boolean[]
)
"""
_ENSURE_PARTITION = "SELECT ensure_entries_partition($1)"
_ORPHAN = "UPDATE entries SET orphaned = true WHERE source = $1 AND position > $2 AND NOT orphaned"

_values = attrgetter(*(field.name for field in fields(Entry)))


async def insert_entries(connection: "Connection", entries: Sequence[Entry]) -> None:
    """Insert entries in one statement. A second entry with the same source, epoch and position breaks `pk_entries`."""
    # Before any row of this transaction is in the table, so that two consumers that need a partition do not deadlock.
    await connection.execute(_ENSURE_PARTITION, entries[-1].position)
    await connection.execute(_INSERT, *map(list, zip(*map(_values, entries), strict=True)))


async def orphan_entries(connection: "Connection", source: str, after_position: int) -> int:
    """Mark what a source lost: its entries after a position. Returns how many."""
    status = await connection.execute(_ORPHAN, source, after_position)
    return int(status.rpartition(" ")[2])
