"""Fields that a service blames, under the names that the caller of REST gave them."""

from collections.abc import Callable

from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

NameForCaller = Callable[[str], str]
_FIELD = "field"


def rename_fields(status: status_pb2.Status, name_for_caller: NameForCaller) -> None:
    """Give every field that a status blames the caller's name for it: in violations, metadata and the sentence."""
    names: dict[str, str] = {}
    for packed in status.details:
        bad = error_details_pb2.BadRequest()
        if packed.Unpack(bad):
            for violation in bad.field_violations:
                names[violation.field] = violation.field = name_for_caller(violation.field)
            packed.Pack(bad)
    for packed in status.details:
        _rename_in_metadata(packed, names)
    before, separator, rest = status.message.partition(": ")
    if before in names:
        status.message = names[before] + separator + rest


def _rename_in_metadata(packed: any_pb2.Any, names: dict[str, str]) -> None:
    info = error_details_pb2.ErrorInfo()
    if packed.Unpack(info) and info.metadata.get(_FIELD) in names:
        info.metadata[_FIELD] = names[info.metadata[_FIELD]]
        packed.Pack(info)
