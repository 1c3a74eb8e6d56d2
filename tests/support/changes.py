"""Changes as a source would send them, made by hand."""

from typing import Any
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from stateroom.event.v1.change_pb2 import Change, ChangeHeader, ChangePayload
from stateroom.workspace.v1.workspace_pb2 import Workspace

from chassis import ids

FIRST_SECOND = 1_700_000_000
"""The time of position 0, in Unix seconds; each position is one second later."""


def change(
    account_id: UUID, position: int, *, source: str = "workspace", epoch: int = 1, **header: Any
) -> Change:  # fields of ChangeHeader
    """Return the change at a position; `header` replaces what its header would say by itself."""
    fields: dict[str, Any] = {
        "event_id": str(_event_id(position)),
        "account_id": str(account_id),
        "entity_type": "workspace",
        "entity_id": str(ids.new()),
        "entity_version": 1,
        "type": "created",
        "actor_id": str(account_id),
        "time": Timestamp(seconds=FIRST_SECOND + position),
        "outcome": ChangeHeader.SUCCEEDED,
    }
    payload = ChangePayload(ip_address="192.0.2.7", user_agent="test/1", changed_fields=["name"])
    payload.after.Pack(Workspace(name=f"n{position}"))
    return Change(
        source=source,
        epoch=epoch,
        position=position,
        header=ChangeHeader(**(fields | header)).SerializeToString(),
        salt=position.to_bytes(16),
        payload=payload.SerializeToString(),
    )


def _event_id(position: int) -> UUID:
    """Return a UUIDv7 of the position's own second, so that the order of ids is that of positions."""
    milliseconds = (FIRST_SECOND + position) * 1000
    return UUID(int=milliseconds << 80 | ids.new().int & ((1 << 80) - 1))
