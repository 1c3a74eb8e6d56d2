"""Messages between their bytes and their JSON: the only module that knows which library does it."""

from protobuf import Registry, message_from_json_value

from gateway.errors import InvalidType
from gateway.transcode.json_check import Json
from gateway.transcode.schema import MessageType


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
        return message.python_type.from_binary(data).to_json(registry=self._registry, always_emit_implicit=True)
