"""Requests of any content, and the REST form that a client would give them: what the gateway has to undo."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from tests.support.contracts import Rpc

_F = FieldDescriptor
_INT32, _INT64 = (st.integers(-(1 << bits), (1 << bits) - 1) for bits in (31, 63))
_UINT32, _UINT64 = (st.integers(0, (1 << bits) - 1) for bits in (32, 64))
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_VALUES: dict[int, st.SearchStrategy[Any]] = {
    _F.TYPE_STRING: TEXT,
    _F.TYPE_BYTES: st.binary(max_size=20),
    _F.TYPE_BOOL: st.booleans(),
    _F.TYPE_DOUBLE: st.floats(allow_nan=False, allow_infinity=False),
    **dict.fromkeys((_F.TYPE_INT32, _F.TYPE_SINT32, _F.TYPE_SFIXED32), _INT32),
    **dict.fromkeys((_F.TYPE_INT64, _F.TYPE_SINT64, _F.TYPE_SFIXED64), _INT64),
    **dict.fromkeys((_F.TYPE_UINT32, _F.TYPE_FIXED32), _UINT32),
    **dict.fromkeys((_F.TYPE_UINT64, _F.TYPE_FIXED64), _UINT64),
}
_NANOS = st.integers(0, 999_999_999)
_WELL_KNOWN: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "google.protobuf.Timestamp": {"seconds": st.integers(-62_135_596_800, 253_402_300_799), "nanos": _NANOS},
    "google.protobuf.Duration": {"seconds": st.integers(0, 315_576_000_000), "nanos": _NANOS},
    "google.protobuf.FieldMask": {"paths": st.lists(st.from_regex("[a-z]{1,8}(_[a-z]{1,8})?", fullmatch=True))},
}
"""Well-known types → the values that their JSON form can carry."""


@dataclass(frozen=True, slots=True)
class RestRequest:
    """A request line and a body, encoded as for the wire."""

    method: str
    path: str
    query: bytes
    body: bytes


def requests(rpc: Rpc) -> st.SearchStrategy[Message]:
    """Return a strategy for requests of a method that REST can express: its path variables are not empty."""
    bound = set(re.findall(r"\{([^}=]+)", rpc.route[1]))
    return _messages(rpc.descriptor.input_type, frozenset(bound), _queried(rpc))


def _queried(rpc: Rpc) -> frozenset[str]:
    """Return the fields of a request that travel in its query."""
    fields = {field.name for field in rpc.descriptor.input_type.fields}
    return frozenset(set() if rpc.http.body == "*" else fields - {rpc.http.body})


@st.composite
def _messages(draw: st.DrawFn, kind: Descriptor, bound: frozenset[str], queried: frozenset[str]) -> Message:
    """Draw a message. `bound` are paths of fields that must have text; fields in `queried` hold no messages or maps."""
    message = message_factory.GetMessageClass(kind)()
    values = _WELL_KNOWN.get(kind.full_name, {})
    for field in kind.fields:
        inner = frozenset(path.partition(".")[2] for path in bound if path.startswith(f"{field.name}."))
        if field.name in bound:
            setattr(message, field.name, draw(TEXT.filter(bool)))
        elif field.name in values:
            _fill(draw, message, field, values[field.name])
        elif bool(inner) or draw(st.booleans()):
            _fill(draw, message, field, _value(field, inner, simple=field.name in queried))
    return message


def _fill(draw: st.DrawFn, message: Message, field: FieldDescriptor, values: st.SearchStrategy[Any]) -> None:
    """Set a field of a message to a drawn value; None leaves it unset."""
    value = draw(values)
    if value is None:
        return
    held = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        held.update(value)
    elif field.is_repeated:
        held.extend(value)
    elif field.message_type is not None:
        held.CopyFrom(value)
    else:
        setattr(message, field.name, value)


def _value(field: FieldDescriptor, bound: frozenset[str], *, simple: bool) -> st.SearchStrategy[Any]:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        values = _single(kind.fields_by_name["value"], bound)
        return st.none() if simple else st.dictionaries(TEXT, values, max_size=3)
    if kind is not None and simple and not bound and kind.full_name not in _WELL_KNOWN:
        return st.none()
    single = _single(field, bound)
    return st.lists(single, max_size=3) if field.is_repeated else single


def _single(field: FieldDescriptor, bound: frozenset[str]) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return _messages(field.message_type, bound, frozenset())
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return _VALUES[field.type]


def rest_form(rpc: Rpc, message: Message) -> RestRequest:
    """Return what google.api.http says that a client sends for a message."""
    verb, template = rpc.route
    values = json_format.MessageToDict(message)

    def take(match: re.Match[str]) -> str:
        *parents, last = (_json_name(part) for part in match[1].split("."))
        holder = values
        for part in parents:
            holder = holder[part]
        return quote(holder.pop(last), safe="")

    path = re.sub(r"\{([^}=]+)\}", take, template)
    body = b""
    if rpc.http.body == "*":
        body, values = json.dumps(values).encode(), {}
    elif rpc.http.body and _json_name(rpc.http.body) in values:
        body = json.dumps(values.pop(_json_name(rpc.http.body))).encode()
    return RestRequest(verb.upper(), path, urlencode(list(_query(values, ""))).encode(), body)


def _json_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def _query(value: Any, name: str) -> Iterator[tuple[str, str]]:  # JSON
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _query(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for item in value:
            yield from _query(item, name)
    else:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)
