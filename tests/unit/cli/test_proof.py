"""What is computed from an entry's stored bytes."""

import pytest
from google.protobuf.json_format import MessageToDict
from stateroom.event.v1.change_pb2 import Change, ChangeHeader, ChangePayload, Denial

from chassis import digest
from cli import proof
from cli.client import Json

HEADER = ChangeHeader(event_id="e", entity_type="workspace", type="created", actor_id="a", entity_version=1)
PAYLOAD = ChangePayload(user_agent="u")
PAYLOAD.details.Pack(Denial(reason="ROLE_TOO_LOW", count=2))
CHANGE = Change(
    source="workspace",
    position=7,
    header=HEADER.SerializeToString(),
    salt=b"s",
    payload=PAYLOAD.SerializeToString(),
)


def entry(**changed: object) -> Json:
    """Return an entry as the API writes it, with some fields changed."""
    shown = {"auditLogId": "e", "action": "workspace.created", "entityType": "workspace", "actorId": "a"}
    place = {"source": "workspace", "position": "7", "entityVersion": "1", "change": MessageToDict(CHANGE)}
    content = {"userAgent": "u", "reason": "ROLE_TOO_LOW", "refusalCount": 2}
    return shown | place | content | changed


def test_recomputed_of_an_entry_is_the_digest_of_its_change() -> None:
    """From the JSON of the API to the same bytes."""
    assert proof.recomputed(entry()) == digest.leaf(CHANGE).hex()


def test_contradictions_of_a_true_entry_are_none() -> None:
    """Fields without a value may be absent on either side."""
    assert proof.contradictions(entry(ipAddress="", traceId="")) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actorId", "b"),
        ("action", "workspace.deleted"),
        ("position", "8"),
        ("auditLogId", "f"),
        ("userAgent", "v"),
        ("reason", ""),
    ],
)
def test_contradictions_of_an_altered_entry_name_the_field(field: str, value: str) -> None:
    """A right digest says nothing about fields that are not what was digested."""
    assert proof.contradictions(entry(**{field: value})) == [field]
