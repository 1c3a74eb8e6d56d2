"""What expressions see of a change: its header, and the resource before and after it."""

from datetime import UTC
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from stateroom.event.v1.change_pb2 import Change, ChangeHeader, ChangePayload


def of(change: Change, trigger_id: UUID, key: str) -> dict[str, Any]:
    """Return the `event` of expressions."""
    header = ChangeHeader.FromString(change.header)
    payload = ChangePayload.FromString(change.payload)
    return {
        "trigger_id": str(trigger_id),
        "key": key,
        "source": change.source,
        "entity_type": header.entity_type,
        "entity_id": header.entity_id,
        "type": header.type,
        "actor_id": header.actor_id,
        "time": header.time.ToDatetime(UTC).isoformat(),
        "changed_fields": list(payload.changed_fields),
        "before": _resource(payload.before) if payload.HasField("before") else None,
        "after": _resource(payload.after) if payload.HasField("after") else None,
    }


def _resource(packed: AnyMessage) -> dict[str, Any] | None:
    """Return a resource with the field names of its contract; None for one that is too new to be known here."""
    try:
        kind = _pool().FindMessageTypeByName(packed.TypeName())
        message = message_factory.GetMessageClass(kind).FromString(packed.value)
    except (KeyError, DecodeError):
        return None
    shown: dict[str, Any] = MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        descriptor_pool=_pool(),
    )
    return shown


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    """Return the contracts of all services; this one has loaded none but its own."""
    pool = descriptor_pool.DescriptorPool()
    installed = (files("stateroom") / "descriptors.binpb").read_bytes()
    for file in descriptor_pb2.FileDescriptorSet.FromString(installed).file:
        pool.Add(file)
    return pool
