"""What an audit entry's digest proves: recomputed here from the stored bytes that the server sends with the entry."""

from google.protobuf.json_format import MessageToDict, ParseDict
from stateroom.event.v1.change_pb2 import Change, ChangeHeader, ChangePayload, Denial

from chassis import digest
from cli.client import Json

_PLACE = ("source", "epoch", "position")
_HEADER = (
    "outcome",
    "entityType",
    "entityId",
    "entityVersion",
    "actorId",
    "credentialId",
    "causeEventId",
    "requestId",
    "traceId",
    "time",
)
"""Fields that an entry and its header have alike."""


def recomputed(entry: Json) -> str:
    """Return the digest of the entry's stored bytes, as the contract says it is made."""
    return digest.leaf(_change(entry)).hex()


def contradictions(entry: Json) -> list[str]:
    """Return the fields of the entry that show something else than the stored bytes; the log's own are left out."""
    change, denial = _change(entry), Denial()
    header, payload = MessageToDict(ChangeHeader.FromString(change.header)), ChangePayload.FromString(change.payload)
    payload.details.Unpack(denial)
    stored = {field: entry["change"].get(field) for field in _PLACE} | {field: header.get(field) for field in _HEADER}
    stored |= {"auditLogId": header.get("eventId"), "action": f"{header.get('entityType')}.{header.get('type')}"}
    stored |= {"ipAddress": payload.ip_address, "userAgent": payload.user_agent}
    stored |= {"reason": denial.reason, "refusalCount": denial.count}
    return [field for field, value in stored.items() if (entry.get(field) or None) != (value or None)]


def _change(entry: Json) -> Change:
    return ParseDict(entry["change"], Change(), ignore_unknown_fields=True)
