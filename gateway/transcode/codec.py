"""Messages between their bytes and their JSON: the only module that knows which library does it."""

from typing import Any

from protobuf import DescField, DescFieldValueMessage, DescMessage, Message, Registry, message_from_json_value
from stateroom.api.v1.content_pb2 import ContentInfo

from gateway.errors import InvalidType
from gateway.transcode import opaque
from gateway.transcode.json_check import Json
from gateway.transcode.schema import MessageType, Resume

_CONTENT_INFO = ContentInfo.DESCRIPTOR.full_name
_LENGTH_DELIMITED = 2
"""The wire type of bytes and of messages."""


class Codec:
    """Encodes and decodes messages of one set of contracts.

    Args:
        registry: resolves `google.protobuf.Any`.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def encode(self, message: MessageType, value: Json, field: str = "body") -> bytes:
        """Return the bytes of the message that a JSON value means.

        Raises:
            InvalidType: the value does not fit the message; `field` names where it stands.
        """
        try:
            return message_from_json_value(message.python_type, value, registry=self._registry).to_binary()
        except (TypeError, ValueError, OverflowError, RecursionError) as exc:
            raise InvalidType(field, f"the JSON form of {message.full_name}") from exc

    def decode(self, message: MessageType, data: bytes) -> str:
        """Return a message's JSON: lowerCamelCase, scalars and lists always present, unset messages left out."""
        return self._to_json(message.python_type.from_binary(data))

    def decode_resource(self, message: MessageType, data: bytes) -> tuple[str, str]:
        """Return a message's JSON as `decode` does, and its etag, empty when it has none."""
        decoded = message.python_type.from_binary(data)
        return self._to_json(decoded), str(getattr(decoded, "etag", ""))

    def decode_content(self, message: MessageType, data: bytes, field: str = "") -> tuple[str, bytes]:
        """Return the type and the bytes of the google.api.HttpBody that a message, or one field of it, is."""
        decoded: Any = message.python_type.from_binary(data)
        if field:
            held = _field(message.python_type.desc(), field)
            if held not in decoded:
                return "", b""
            decoded = decoded[held]
        return decoded.content_type, decoded.data

    def content_info(self, message: MessageType, data: bytes) -> ContentInfo:
        """Return what the first google.api.HttpBody of a stream says about all of it; nothing when it says nothing."""
        decoded: Any = message.python_type.from_binary(data)
        of_ours = (each.value for each in decoded.extensions if each.type_url.endswith(f"/{_CONTENT_INFO}"))
        return ContentInfo.FromString(next(of_ours, b""))

    def decode_positioned(self, message: MessageType, data: bytes, resume: Resume) -> tuple[str, int]:
        """Return a message's JSON as `decode` does, and the position at which its stream goes on."""
        decoded = message.python_type.from_binary(data)
        moved = len(getattr(decoded, resume.response_bytes)) if resume.response_bytes else 0
        return self._to_json(decoded), int(getattr(decoded, resume.response_position)) + moved

    def _to_json(self, decoded: Message) -> str:
        try:
            return decoded.to_json(registry=self._registry, always_emit_implicit=True)
        except ValueError:
            return opaque.to_json(decoded, self._registry)


class BytesField:
    """One bytes field deep inside a message, packed and unpacked without a detour through JSON.

    Args:
        message: the message.
        path: proto names of the fields that lead to it, such as `output.data`; each but the last holds a message.

    Raises:
        KeyError: there is no such field.
    """

    def __init__(self, message: MessageType, path: str) -> None:
        self._type = message.python_type
        names = path.split(".")
        descriptor = self._type.desc()
        self._parents: list[DescField] = []
        for name in names[:-1]:
            field = _field(descriptor, name)
            if not isinstance(field.value, DescFieldValueMessage):
                raise KeyError(path)
            descriptor = field.value.message
            self._parents.append(field)
        self._last = _field(descriptor, names[-1])
        numbers = [field.number for field in (self._last, *reversed(self._parents))]
        self._tags = [_varint(number << 3 | _LENGTH_DELIMITED) for number in numbers]

    def pack(self, data: bytes) -> bytes:
        """Return the bytes of a message in which only this field is set: each message is its parent's bytes."""
        for tag in self._tags:
            data = tag + _varint(len(data)) + data
        return data

    def unpack(self, encoded: bytes) -> bytes | None:
        """Return the field's bytes, None when the message it stands in is not set."""
        message = self._type.from_binary(encoded)
        for field in self._parents:
            if field not in message:
                return None
            message = message[field]
        return bytes(message[self._last])


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes((low | 0x80,)) + _varint(rest) if rest else bytes((low,))


def _field(descriptor: DescMessage, name: str) -> DescField:
    return next(field for field in descriptor.fields if field.name == name)
