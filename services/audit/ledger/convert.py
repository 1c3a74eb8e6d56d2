"""Entries as messages, and requests as filters."""

from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from google.protobuf.any_pb2 import Any
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct
from stateroom.audit.v1 import audit_service_pb2 as pb
from stateroom.event.v1.change_pb2 import Change, ChangePayload, Denial
from stateroom.session.v1 import session_service_pb2
from stateroom.workspace.v1 import file_operation_pb2, identity_service_pb2, workspace_service_pb2

from chassis import messages
from chassis.errors import InvalidField, Violation
from services.audit.ledger.domain import Entry, Filter

RESOURCES = (identity_service_pb2, workspace_service_pb2, file_operation_pb2, session_service_pb2)
"""The contracts whose resources can be shown: importing them makes them known to protobuf's pool."""


def audit_log_to_proto(entry: Entry) -> pb.AuditLog:
    """Return an entry's public form, without its bytes."""
    payload = ChangePayload.FromString(entry.payload)
    message = pb.AuditLog(
        audit_log_id=str(entry.audit_log_id),
        source=entry.source,
        epoch=entry.epoch,
        position=entry.position,
        action=entry.action,
        outcome=entry.outcome,  # type: ignore[arg-type]  # the number as the source wrote it
        entity_type=entry.entity_type,
        entity_id=str(entry.entity_id),
        entity_version=entry.entity_version,
        actor_id=entry.actor_id,
        credential_id=entry.credential_id,
        cause_event_id=entry.cause_event_id,
        request_id=entry.request_id,
        trace_id=entry.trace_id,
        ip_address=payload.ip_address,
        user_agent=payload.user_agent,
        digest=entry.digest.hex(),
        orphaned=entry.orphaned,
    )
    denial = Denial()
    if payload.details.Unpack(denial):
        message.reason, message.refusal_count = denial.reason, denial.count
    messages.set_times(message, entry, "time", "record_time")
    return message


def change_of(entry: Entry) -> Change:
    """Return the change that an entry records, byte for byte."""
    return Change(
        source=entry.source,
        epoch=entry.epoch,
        position=entry.position,
        header=entry.header,
        salt=entry.salt,
        payload=entry.payload,
    )


def change_event_to_proto(entry: Entry) -> pb.ChangeEvent:
    """Return an entry as a change of a resource."""
    payload = ChangePayload.FromString(entry.payload)
    message = pb.ChangeEvent(
        event_id=str(entry.audit_log_id),
        source=entry.source,
        position=entry.position,
        entity_type=entry.entity_type,
        entity_id=str(entry.entity_id),
        entity_version=entry.entity_version,
        type=entry.type,
        actor_id=entry.actor_id,
        before=_shown(payload.before) if payload.HasField("before") else None,
        after=_shown(payload.after) if payload.HasField("after") else None,
        changed_fields=payload.changed_fields,
        trace_id=entry.trace_id,
        digest=entry.digest.hex(),
    )
    messages.set_times(message, entry, "time")
    return message


def _shown(resource: Any) -> Struct | None:
    """Return a resource as protobuf JSON; None when it is of a type, or a form, that this release does not know."""
    try:
        return ParseDict(MessageToDict(resource), Struct())
    except (TypeError, DecodeError):
        return None


def audit_logs_filter(request: pb.ListAuditLogsRequest) -> Filter:
    """Return what a request asks for. InvalidField for a value that no entry can have."""
    _check_text(request)
    return Filter(
        source=request.source or None,
        action=request.action or None,
        entity_type=request.entity_type or None,
        entity_id=UUID(request.entity_id) if request.entity_id else None,
        actor_id=request.actor_id or None,
        request_id=request.request_id or None,
        outcome=request.outcome or None,
        start_time=_instant(request, "start_time"),
        end_time=_instant(request, "end_time"),
    )


def change_events_filter(request: pb.ListChangeEventsRequest) -> Filter:
    """Return what a request asks for. InvalidField for a value that no entry can have."""
    _check_text(request)
    return Filter(
        entity_type=request.entity_type or None,
        entity_id=UUID(request.entity_id) if request.entity_id else None,
        type=request.type or None,
        start_time=_instant(request, "start_time"),
        end_time=_instant(request, "end_time"),
    )


def _check_text(request: pb.ListAuditLogsRequest | pb.ListChangeEventsRequest) -> None:
    for field, value in request.ListFields():
        if isinstance(value, str) and "\0" in value:
            raise InvalidField(Violation(field.name, "must not contain the character U+0000"))


def _instant(request: pb.ListAuditLogsRequest | pb.ListChangeEventsRequest, name: str) -> datetime | None:
    if not request.HasField(name):  # type: ignore[arg-type]  # one of two names that both requests have
        return None
    try:
        return cast("datetime", getattr(request, name).ToDatetime(UTC))
    except (ValueError, OverflowError) as exc:
        raise InvalidField(Violation(name, "must lie in the years 1 to 9999")) from exc
