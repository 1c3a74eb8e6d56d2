"""Update masks: which fields of a resource a request sets (AIP-134)."""

from google.api import field_behavior_pb2
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from chassis.errors import InvalidField, Violation

EVERYTHING = "*"


def fields_to_set(resource: Message, mask: FieldMask) -> list[str]:
    """Return the names of the fields that a mask names; without a mask, of those that have a value.

    `*` names every field. What the server sets is left out, so that a resource may be sent back as it was read.

    Raises:
        InvalidField: a path names no field of the resource, or a part of one.
    """
    known = resource.DESCRIPTOR.fields_by_name
    violations = [
        Violation("update_mask", f"{path[:64]!r} is no field of {resource.DESCRIPTOR.name}")
        for path in mask.paths
        if path not in known and path != EVERYTHING
    ]
    if violations:
        raise InvalidField(*violations)
    named = list(mask.paths) or [field.name for field, _ in resource.ListFields()]
    names = known if EVERYTHING in named else dict.fromkeys(named)
    return [name for name in names if not _is_set_by_the_server(resource, name)]


def _is_set_by_the_server(resource: Message, name: str) -> bool:
    options = resource.DESCRIPTOR.fields_by_name[name].GetOptions()
    return field_behavior_pb2.OUTPUT_ONLY in options.Extensions[field_behavior_pb2.field_behavior]
