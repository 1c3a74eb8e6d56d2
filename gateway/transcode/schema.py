"""The contracts as the gateway needs them: methods with their options, and messages with what JSON each field takes."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cached_property
from importlib.resources import files
from typing import Any

from protobuf import (
    DescEnum,
    DescField,
    DescFieldValueEnum,
    DescFieldValueList,
    DescFieldValueMap,
    DescFieldValueMessage,
    DescFieldValueScalar,
    DescFile,
    DescMessage,
    DescMethod,
    Message,
    Registry,
    ScalarType,
    wkt,
)

Single = ScalarType | DescEnum | DescMessage

WHOLE_BODY = "*"

_INT32_END = 1 << 31
_INT64_END = 1 << 63


class Kind(Enum):
    """What a single value of a field is in JSON."""

    STRING = auto()
    BYTES = auto()
    BOOL = auto()
    INTEGER = auto()
    FLOAT = auto()
    ENUM = auto()
    MESSAGE = auto()
    WELL_KNOWN = auto()


_SCALARS: dict[ScalarType, tuple[Kind, range]] = {
    ScalarType.STRING: (Kind.STRING, range(0)),
    ScalarType.BYTES: (Kind.BYTES, range(0)),
    ScalarType.BOOL: (Kind.BOOL, range(0)),
    ScalarType.FLOAT: (Kind.FLOAT, range(0)),
    ScalarType.DOUBLE: (Kind.FLOAT, range(0)),
    ScalarType.INT32: (Kind.INTEGER, range(-_INT32_END, _INT32_END)),
    ScalarType.SINT32: (Kind.INTEGER, range(-_INT32_END, _INT32_END)),
    ScalarType.SFIXED32: (Kind.INTEGER, range(-_INT32_END, _INT32_END)),
    ScalarType.UINT32: (Kind.INTEGER, range(2 * _INT32_END)),
    ScalarType.FIXED32: (Kind.INTEGER, range(2 * _INT32_END)),
    ScalarType.INT64: (Kind.INTEGER, range(-_INT64_END, _INT64_END)),
    ScalarType.SINT64: (Kind.INTEGER, range(-_INT64_END, _INT64_END)),
    ScalarType.SFIXED64: (Kind.INTEGER, range(-_INT64_END, _INT64_END)),
    ScalarType.UINT64: (Kind.INTEGER, range(2 * _INT64_END)),
    ScalarType.FIXED64: (Kind.INTEGER, range(2 * _INT64_END)),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its two names and the JSON it takes. `bounds` counts for integers, `enum_names` for enums.

    `oneof` names the group of which only one field may be set; empty outside one. `key` is what keys of a map are.
    """

    name: str
    json_name: str
    kind: Kind
    repeated: bool = False
    is_map: bool = False
    bounds: range = range(0)
    enum_names: frozenset[str] = frozenset()
    message: "MessageType | None" = None
    oneof: str = ""
    key: "Field | None" = None


@dataclass(slots=True, eq=False)
class MessageType:
    """A message: its fields under both their names, and the class that encodes it."""

    full_name: str
    python_type: type[Message]
    fields: dict[str, Field] = field(default_factory=dict)

    @property
    def is_content(self) -> bool:
        """Whether it is a google.api.HttpBody: content of any type, which travels as it is."""
        return self.full_name == "google.api.HttpBody"

    def resolve(self, path: str) -> "tuple[Field, ...]":
        """Return the fields along a dotted path of either spelling; empty when there is no such field.

        No path leads through a list or a map.
        """
        head, _, rest = path.partition(".")
        found = self.fields.get(head)
        if found is None or not rest:
            return (found,) if found else ()
        if found.kind is not Kind.MESSAGE or found.repeated or found.is_map or found.message is None:
            return ()
        inner = found.message.resolve(rest)
        return (found, *inner) if inner else ()


def holds_content(field: Field) -> bool:
    """Return whether a field is one google.api.HttpBody."""
    return field.message is not None and field.message.is_content and not field.repeated and not field.is_map


@dataclass(frozen=True, slots=True)
class HttpBinding:
    """One HTTP mapping of a method: `body` is empty, `*` or a field's name, `response_body` empty or a field's name."""

    http_method: str
    path: str
    body: str
    response_body: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    """How a stream is resumed: names of fields, `response_bytes` empty when a position names a whole message."""

    response_position: str
    request_position: str
    response_bytes: str


@dataclass(frozen=True, slots=True)
class Method:
    """A method that has HTTP mappings. `request_bytes` and `response_bytes` frame a WebSocket; empty without one."""

    service: str
    name: str
    request: MessageType
    response: MessageType
    client_streaming: bool
    server_streaming: bool
    anonymous: bool
    takes_ticket: bool
    bindings: tuple[HttpBinding, ...]
    request_bytes: str = ""
    response_bytes: str = ""
    resume: Resume | None = None
    request_headers: tuple[str, ...] = ()

    @property
    def grpc_path(self) -> str:
        """The path of the method on the wire."""
        return f"/{self.service}/{self.name}"

    @property
    def backend(self) -> str:
        """The service that serves it: the second part of its package."""
        return self.service.split(".")[1]


class Schema:
    """Reads a FileDescriptorSet that includes its imports."""

    def __init__(self, descriptor_set: bytes) -> None:
        self.registry: Registry = wkt.FileDescriptorSet.from_binary(descriptor_set).to_registry()
        self._messages: dict[str, MessageType] = {}

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """All methods with HTTP mappings, except those that are for other services."""
        found = (
            self._method(method)
            for file in self.registry
            if isinstance(file, DescFile)
            for service in file.services
            for method in service.methods
        )
        return tuple(method for method in found if method is not None)

    def message(self, descriptor: DescMessage) -> MessageType:
        """Return the message's type; each is built once, so that types may refer to themselves."""
        known = self._messages.get(descriptor.type_name)
        if known is None:
            known = MessageType(descriptor.type_name, descriptor.type)
            self._messages[descriptor.type_name] = known
            for item in descriptor.fields:
                made = self._field(item)
                known.fields[made.name] = known.fields[made.json_name] = made
        return known

    def _method(self, method: DescMethod) -> Method | None:
        options = method.proto.options
        rule = self._option(options, "google.api.http")
        policy = self._option(options, "stateroom.api.v1.policy")
        if rule is None or policy is None or policy.access is None or policy.access.field not in {"user", "anonymous"}:
            return None
        frames = self._option(options, "stateroom.api.v1.stream")
        resume = self._option(options, "stateroom.api.v1.resume")
        return Method(
            service=method.parent.type_name,
            name=method.name,
            request=self.message(method.input),
            response=self.message(method.output),
            client_streaming=method.method_kind in {"client_streaming", "bidi_streaming"},
            server_streaming=method.method_kind in {"server_streaming", "bidi_streaming"},
            anonymous=policy.access.field == "anonymous",
            takes_ticket=policy.access.field == "user" and policy.access.value.ticket,
            bindings=tuple(_bindings(rule)),
            request_bytes=frames.request_bytes if frames else "",
            response_bytes=frames.response_bytes if frames else "",
            resume=self._resume(method, resume) if resume else None,
            request_headers=tuple(self._option(options, "stateroom.api.v1.request_headers") or ()),
        )

    def _resume(self, method: DescMethod, option: Any) -> Resume:  # as below
        names = (option.response_position, option.request_position, option.response_bytes)
        response, request = self.message(method.output).fields, self.message(method.input).fields
        holders = zip(names, (response, request, response), (Kind.INTEGER, Kind.INTEGER, Kind.BYTES), strict=True)
        for name, fields, kind in holders:
            if (name or kind is Kind.INTEGER) and (name not in fields or fields[name].kind is not kind):
                msg = f"{method.parent.type_name}.{method.name}: resume names {name!r}, which is no {kind.name} field"
                raise ValueError(msg)
        return Resume(*names)

    def _option(self, options: Message | None, name: str) -> Any:  # the class is made at run time
        extension = self.registry.extension(name)
        if options is None or extension is None or extension.type not in options:
            return None
        return options[extension.type]

    def _field(self, item: DescField) -> Field:
        match item.value:
            case DescFieldValueScalar(scalar=single) | DescFieldValueEnum(enum=single):
                return self._shaped(item, single)
            case DescFieldValueMessage(message=single):
                return self._shaped(item, single)
            case DescFieldValueList(element=single):
                return self._shaped(item, single, repeated=True)
            case DescFieldValueMap(key=key, value=single):
                return replace(self._shaped(item, single, is_map=True), key=self._shaped(item, key))

    def _shaped(self, item: DescField, single: Single, *, repeated: bool = False, is_map: bool = False) -> Field:
        names, bounds, message = frozenset[str](), range(0), None
        if isinstance(single, ScalarType):
            kind, bounds = _SCALARS[single]
        elif isinstance(single, DescEnum):
            kind, names = Kind.ENUM, frozenset(value.name for value in single.values)
        else:
            well_known = single.type_name.startswith("google.protobuf.")
            kind, message = Kind.WELL_KNOWN if well_known else Kind.MESSAGE, self.message(single)
        group = getattr(item.value, "oneof", None)
        oneof = group.name if group else ""
        return Field(item.name, item.json_name, kind, repeated, is_map, bounds, names, message, oneof)


def _bindings(rule: Any) -> Iterator[HttpBinding]:  # as above
    pattern = rule.pattern
    if pattern.field == "custom":
        yield HttpBinding(pattern.value.kind, pattern.value.path, rule.body, rule.response_body)
    else:
        yield HttpBinding(pattern.field.upper(), pattern.value, rule.body, rule.response_body)
    for additional in rule.additional_bindings:
        yield from _bindings(additional)


def installed_contracts() -> bytes:
    """Return the descriptor set that is installed with the package `stateroom`."""
    return (files("stateroom") / "descriptors.binpb").read_bytes()


def load_schema() -> Schema:
    """Read the installed contracts."""
    return Schema(installed_contracts())
