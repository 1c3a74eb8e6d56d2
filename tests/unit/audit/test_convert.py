"""Entries as messages, requests as filters."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.protobuf.any_pb2 import Any
from stateroom.audit.v1 import audit_service_pb2 as pb
from stateroom.event.v1.change_pb2 import Change, ChangeHeader, ChangePayload
from stateroom.workspace.v1.workspace_pb2 import Workspace

from chassis import digest, ids
from chassis.errors import InvalidField
from services.audit.ledger import convert, record
from services.audit.ledger.domain import Entry

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HEADER = ChangeHeader(
    event_id=str(ids.new()),
    account_id=str(ids.new()),
    entity_type="workspace",
    entity_id=str(ids.new()),
    entity_version=3,
    type="archived",
    actor_id="service:session",
    credential_id="key-1",
    cause_event_id="cause-1",
    request_id="request-1",
    trace_id="0" * 31 + "1",
    outcome=ChangeHeader.FAILED,
)
HEADER.time.FromDatetime(NOW)


def _entry(payload: ChangePayload, header: ChangeHeader = HEADER) -> Entry:
    change = Change(
        source="workspace",
        epoch=2,
        position=9,
        header=header.SerializeToString(),
        salt=b"s" * 16,
        payload=payload.SerializeToString(),
    )
    return record.entry_of(change, NOW)


def test_audit_log_to_proto_every_field_is_carried() -> None:
    """What the change says is what the entry says."""
    entry = _entry(ChangePayload(ip_address="192.0.2.7", user_agent="test/1"))
    shown = convert.audit_log_to_proto(entry)
    for name in ("entity_type", "entity_id", "entity_version", "actor_id", "credential_id", "cause_event_id"):
        assert getattr(shown, name) == getattr(HEADER, name)
    assert (shown.request_id, shown.trace_id, shown.outcome) == ("request-1", HEADER.trace_id, ChangeHeader.FAILED)
    assert (shown.source, shown.epoch, shown.position, shown.action) == ("workspace", 2, 9, "workspace.archived")
    assert (shown.ip_address, shown.user_agent) == ("192.0.2.7", "test/1")
    assert shown.time == HEADER.time == shown.record_time
    assert not shown.HasField("change")


def test_change_of_entry_has_the_digest_shown() -> None:
    """The bytes given out prove the digest given out."""
    entry = _entry(ChangePayload())
    assert digest.leaf(convert.change_of(entry)).hex() == convert.audit_log_to_proto(entry).digest


def test_change_event_to_proto_known_resources_are_shown() -> None:
    """Before and after are the resources in protobuf JSON."""
    payload = ChangePayload(changed_fields=["name"])
    payload.before.Pack(Workspace(name="old"))
    payload.after.Pack(Workspace(name="new"))
    event = convert.change_event_to_proto(_entry(payload))
    assert (event.before["name"], event.after["name"]) == ("old", "new")
    assert event.after["@type"] == "type.googleapis.com/stateroom.workspace.v1.Workspace"
    assert list(event.changed_fields) == ["name"]


@pytest.mark.parametrize(
    "resource",
    [
        Any(type_url="type.googleapis.com/stateroom.future.v1.Thing", value=b"\x0a\x01x"),
        Any(type_url="type.googleapis.com/stateroom.workspace.v1.Workspace", value=b"\xff"),
        Any(type_url="", value=b"x"),
    ],
    ids=["unknown type", "broken bytes", "no type"],
)
def test_change_event_to_proto_unreadable_resource_is_left_out(resource: Any) -> None:
    """A resource of a later release does not make its event unreadable."""
    event = convert.change_event_to_proto(_entry(ChangePayload(after=resource, changed_fields=["name"])))
    assert not event.HasField("after")
    assert list(event.changed_fields) == ["name"]


def test_entry_of_unknown_kinds_and_later_fields_keeps_every_byte() -> None:
    """What this release does not know is recorded all the same."""
    header = ChangeHeader.FromString(HEADER.SerializeToString() + b"\xf8\x3f\x07")
    header.entity_type, header.type = "spaceship", "launched"
    entry = _entry(ChangePayload(), header)
    assert entry.header == header.SerializeToString()
    assert entry.header.endswith(b"\xf8\x3f\x07")
    assert entry.action == "spaceship.launched"
    assert not entry.has_content


def test_audit_logs_filter_empty_request_leaves_everything_open() -> None:
    """No filter is no filter."""
    wanted = convert.audit_logs_filter(pb.ListAuditLogsRequest())
    assert all(getattr(wanted, name) is None for name in type(wanted).__slots__)


def test_audit_logs_filter_full_request_keeps_each_field() -> None:
    """Each field lands in its own place."""
    request = pb.ListAuditLogsRequest(
        source="a",
        action="b.c",
        entity_type="d",
        entity_id=HEADER.entity_id,
        actor_id="e",
        request_id="f",
        outcome=ChangeHeader.DENIED,
    )
    request.start_time.FromDatetime(NOW)
    request.end_time.FromDatetime(NOW)
    wanted = convert.audit_logs_filter(request)
    assert (wanted.source, wanted.action, wanted.entity_type, wanted.actor_id) == ("a", "b.c", "d", "e")
    assert (wanted.request_id, wanted.outcome, wanted.entity_id) == ("f", 2, UUID(HEADER.entity_id))
    assert (wanted.start_time, wanted.end_time) == (NOW, NOW)


@pytest.mark.parametrize("name", ["start_time", "end_time"])
def test_filter_instant_out_of_range_names_the_field(name: str) -> None:
    """An instant that no calendar has is the caller's mistake."""
    request = pb.ListAuditLogsRequest()
    getattr(request, name).seconds = 10**15
    with pytest.raises(InvalidField) as refusal:
        convert.audit_logs_filter(request)
    assert refusal.value.violations[0].field == name


@pytest.mark.parametrize("name", ["source", "action", "entity_type", "actor_id", "request_id"])
def test_filter_zero_character_names_the_field(name: str) -> None:
    """A character that the database cannot hold is the caller's mistake."""
    request = pb.ListAuditLogsRequest()
    setattr(request, name, "a\0b")
    with pytest.raises(InvalidField) as refusal:
        convert.audit_logs_filter(request)
    assert refusal.value.violations[0].field == name
