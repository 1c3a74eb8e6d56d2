"""Messages and enums as schemas. Each becomes a component under its full name, once."""

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gateway.openapi.contracts import Contracts
from gateway.openapi.rules import (
    JsonSchema,
    is_required,
    keywords,
    list_keywords,
    map_keywords,
    message_sentences,
    rules_of,
    sentences,
)

_F = FieldDescriptor
_LONG: JsonSchema = {"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$"}
_UNSIGNED_LONG: JsonSchema = {"type": "string", "format": "uint64", "pattern": "^[0-9]{1,20}$"}
_INT: JsonSchema = {"type": "integer", "format": "int32"}
_UNSIGNED: JsonSchema = {"type": "integer", "minimum": 0, "maximum": (1 << 32) - 1}
_SCALARS: dict[int, JsonSchema] = {
    **dict.fromkeys((_F.TYPE_INT64, _F.TYPE_SINT64, _F.TYPE_SFIXED64), _LONG),
    **dict.fromkeys((_F.TYPE_UINT64, _F.TYPE_FIXED64), _UNSIGNED_LONG),
    **dict.fromkeys((_F.TYPE_INT32, _F.TYPE_SINT32, _F.TYPE_SFIXED32), _INT),
    **dict.fromkeys((_F.TYPE_UINT32, _F.TYPE_FIXED32), _UNSIGNED),
    _F.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _F.TYPE_FLOAT: {"type": "number", "format": "float"},
    _F.TYPE_BOOL: {"type": "boolean"},
    _F.TYPE_STRING: {"type": "string"},
    _F.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
}
_WELL_KNOWN: dict[str, JsonSchema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array"},
    "google.protobuf.Empty": {"type": "object", "maxProperties": 0},
    "google.protobuf.Any": {"type": "object", "properties": {"@type": {"type": "string"}}, "required": ["@type"]},
}
_WRAPPERS = ("Bool", "Bytes", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64")
_BEHAVIORS: dict[int, JsonSchema] = {
    field_behavior_pb2.OUTPUT_ONLY: {"readOnly": True},
    field_behavior_pb2.INPUT_ONLY: {"x-input-only": True},  # `writeOnly` would say that answers lack the name, too
    field_behavior_pb2.IMMUTABLE: {"x-immutable": True},
}
_SENTENCES: dict[int, str] = {
    field_behavior_pb2.INPUT_ONLY: "Empty in answers.",
    field_behavior_pb2.IMMUTABLE: "Set at creation, and never changed.",
}


def reference(full_name: str) -> JsonSchema:
    """Return a reference to the component of that name."""
    return {"$ref": f"#/components/schemas/{full_name}"}


class Schemas:
    """Makes components as they are asked for; `components` has all so far."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        self.components: dict[str, JsonSchema] = {}

    def message(self, message: Descriptor) -> JsonSchema:
        """Return the schema of a message: a reference, but for well-known types."""
        name = message.full_name
        if name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[name])
        if name.removeprefix("google.protobuf.").removesuffix("Value") in _WRAPPERS:
            return _nullable(_SCALARS[message.fields_by_name["value"].type])
        if name not in self.components:
            made = self.components[name] = {}  # at once: messages may hold themselves
            made.update(self._object(message))
        return reference(name)

    def field(self, field: FieldDescriptor) -> JsonSchema:
        """Return the schema of a field with its rules, its comment and whether clients read or write it."""
        made, rules = self._shape(field), rules_of(field)
        behaviors = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
        text = [self._contracts.comment(field.full_name), *sentences(rules.cel)]
        for behavior in behaviors:
            made |= _BEHAVIORS.get(behavior, {})
            text.append(_SENTENCES.get(behavior, ""))
        return made | _described(text)

    def _shape(self, field: FieldDescriptor) -> JsonSchema:
        rules = rules_of(field)
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            value = self._single(entry.fields_by_name["value"]) | keywords(rules.map.values)
            return {"type": "object", "additionalProperties": value} | map_keywords(rules)
        if field.is_repeated:
            items = self._single(field) | keywords(rules.repeated.items, field.enum_type)
            return {"type": "array", "items": items} | list_keywords(rules)
        return self._single(field) | keywords(rules, field.enum_type)

    def _single(self, field: FieldDescriptor) -> JsonSchema:
        if field.message_type is not None:
            return self.message(field.message_type)
        if field.enum_type is not None:
            return self.enum(field.enum_type)
        return dict(_SCALARS[field.type])

    def enum(self, enum: EnumDescriptor) -> JsonSchema:
        """Return the schema of an enum, a reference."""
        if enum.full_name not in self.components:
            comment = self._contracts.comment
            values = [(value.name, comment(f"{enum.full_name}.{value.name}")) for value in enum.values]
            lines = [f"- `{name}`: {' '.join(text.split())}" for name, text in values if text]
            names = {"type": "string", "enum": [name for name, _ in values]}
            self.components[enum.full_name] = names | _described([comment(enum.full_name), "\n".join(lines)], "\n\n")
        return reference(enum.full_name)

    def _object(self, message: Descriptor) -> JsonSchema:
        made: JsonSchema = {"type": "object"}
        text = [self._contracts.comment(message.full_name), *message_sentences(message)]
        choices = [group for group in message.oneofs if len(group.fields) > 1]  # one alone is a proto3 `optional`
        text += [f"At most one of {', '.join(f'`{field.json_name}`' for field in group.fields)}." for group in choices]
        made |= _described(text)
        made["properties"] = {field.json_name: self.field(field) for field in message.fields}
        required = [field.json_name for field in message.fields if _must_be_sent(field)]
        return made | ({"required": required} if required else {})


def _must_be_sent(field: FieldDescriptor) -> bool:
    declared = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.REQUIRED in declared or is_required(field)


def _nullable(schema: JsonSchema) -> JsonSchema:
    return schema | {"type": [schema["type"], "null"]}


def _described(texts: list[str], between: str = " ") -> JsonSchema:
    text = between.join(text for text in texts if text)
    return {"description": text} if text else {}
