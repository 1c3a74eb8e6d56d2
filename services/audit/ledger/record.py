"""What the service does with the changes of others: it records them, whatever they are."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from stateroom.event.v1.change_pb2 import Change, ChangeHeader, ChangePayload

from chassis import digest, faults, logs
from services.audit.ledger import store
from services.audit.ledger.domain import Entry

if TYPE_CHECKING:
    from chassis.system import Connection

_AFTER_INSERT = faults.Point("ledger.after_insert", "Entries are inserted, and the cursor is where it was.")

_log = logs.get("ledger")


async def record_changes(connection: "Connection", changes: Sequence[Change]) -> None:
    """Record changes of one source. What kind of entity or event they are of makes no difference."""
    now = datetime.now(UTC)
    await store.insert_entries(connection, [entry_of(change, now) for change in changes])
    _AFTER_INSERT.reach()


async def record_rollback(connection: "Connection", source: str, last_position: int) -> None:
    """Mark the entries of changes that a restored source no longer has."""
    orphaned = await store.orphan_entries(connection, source, last_position)
    _log.warning("source rolled back", source=source, last_position=last_position, orphaned=orphaned)


def entry_of(change: Change, record_time: datetime) -> Entry:
    """Return the entry of a change. Its bytes are kept as they came."""
    header = ChangeHeader.FromString(change.header)
    payload = ChangePayload.FromString(change.payload)
    return Entry(
        source=change.source,
        epoch=change.epoch,
        position=change.position,
        account_id=UUID(header.account_id),
        audit_log_id=UUID(header.event_id),
        entity_type=header.entity_type,
        entity_id=UUID(header.entity_id),
        entity_version=header.entity_version,
        type=header.type,
        outcome=header.outcome,
        actor_id=header.actor_id,
        credential_id=header.credential_id,
        cause_event_id=header.cause_event_id,
        request_id=header.request_id,
        trace_id=header.trace_id,
        time=header.time.ToDatetime(UTC),
        has_content=payload.HasField("before") or payload.HasField("after"),
        header=change.header,
        salt=change.salt,
        payload=change.payload,
        digest=digest.leaf(change),
        record_time=record_time,
    )
