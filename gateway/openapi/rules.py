"""Rules of protovalidate as keywords of JSON Schema. What a schema cannot say becomes a sentence."""

import re
from collections.abc import Iterable
from typing import Any

from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

JsonSchema = dict[str, Any]

_FORMATS = {"uuid": "uuid", "email": "email", "hostname": "hostname", "ipv4": "ipv4", "ipv6": "ipv6", "uri": "uri"}
_BOUNDS = {"gte": "minimum", "lte": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
_IN_TEXT = frozenset({"int64", "uint64", "sint64", "fixed64", "sfixed64"})
"""Integers that are strings in JSON, of which a schema can say no bounds."""


def rules_of(field: FieldDescriptor) -> validate_pb2.FieldRules:
    """Return the rules of a field, empty ones when it has none."""
    rules: validate_pb2.FieldRules = field.GetOptions().Extensions[validate_pb2.field]
    return rules


def sentences(rules: Iterable[validate_pb2.Rule]) -> list[str]:
    """Return what rules in CEL demand, in their own words."""
    return [f"Refused otherwise: {rule.message.rstrip('.')}." for rule in rules if rule.message]


def message_sentences(message: Descriptor) -> list[str]:
    """Return what the rules of a whole message demand."""
    return sentences(message.GetOptions().Extensions[validate_pb2.message].cel)


def is_required(field: FieldDescriptor) -> bool:
    """Return whether a request without the field is refused: by a rule that says so, or by rules its zero breaks."""
    rules = rules_of(field)
    if rules.required:
        return True
    return not field.has_presence and not _spares_zero(rules) and _refuses_zero(rules)


def keywords(rules: validate_pb2.FieldRules, enum: EnumDescriptor | None = None) -> JsonSchema:
    """Return the keywords for one value; a zero that the rules spare stays allowed beside what they demand."""
    made = _keywords(rules, enum)
    if not made or not _spares_zero(rules) or not _refuses_zero(rules):
        return made
    zero = enum.values_by_number[0].name if enum else "" if rules.WhichOneof("type") in {"string", "bytes"} else 0
    return {"anyOf": [{"const": zero}, made]}


def list_keywords(rules: validate_pb2.FieldRules) -> JsonSchema:
    """Return the keywords for a repeated field, its items aside."""
    repeated = rules.repeated
    made: JsonSchema = {"uniqueItems": True} if repeated.unique else {}
    return made | _present(repeated, {"min_items": "minItems", "max_items": "maxItems"})


def map_keywords(rules: validate_pb2.FieldRules) -> JsonSchema:
    """Return the keywords for a map, its values aside."""
    made = _present(rules.map, {"min_pairs": "minProperties", "max_pairs": "maxProperties"})
    names = _keywords(rules.map.keys)
    return made | ({"propertyNames": names} if names else {})


def _spares_zero(rules: validate_pb2.FieldRules) -> bool:
    return rules.ignore in {validate_pb2.IGNORE_IF_ZERO_VALUE, validate_pb2.IGNORE_ALWAYS}


def _refuses_zero(rules: validate_pb2.FieldRules) -> bool:
    kind = rules.WhichOneof("type")
    if kind is None or kind in {"repeated", "map", "duration", "timestamp", "field_mask", "any"}:
        return False
    typed, zero = getattr(rules, kind), {"string": "", "bytes": b"", "bool": False}.get(kind, 0)
    listed = getattr(typed, "in", ())
    if (listed and zero not in listed) or zero in getattr(typed, "not_in", ()):
        return True
    if kind == "string":
        has_format = any(getattr(typed, name) for name in _FORMATS)
        return bool(has_format or typed.min_len or (typed.pattern and not re.search(typed.pattern, "")))
    if kind == "bytes":
        return bool(typed.min_len)
    return any(typed.HasField(name) and not holds for name, holds in _zero_bounds(typed))


def _zero_bounds(typed: Any) -> list[tuple[str, bool]]:  # any rules of numbers
    if not hasattr(typed, "gte"):
        return []
    return [("gte", typed.gte <= 0), ("gt", typed.gt < 0), ("lte", typed.lte >= 0), ("lt", typed.lt > 0)]


def _keywords(rules: validate_pb2.FieldRules, enum: EnumDescriptor | None = None) -> JsonSchema:
    kind = rules.WhichOneof("type")
    typed: Any = getattr(rules, kind) if kind else None
    if kind == "string":
        return _of_string(typed)
    if kind == "bytes":
        return _of_bytes(typed)
    if kind == "enum" and enum is not None:
        listed = list(getattr(typed, "in"))
        return {"enum": [value.name for value in enum.values if value.number in listed]} if listed else {}
    if kind in _IN_TEXT:
        return {"pattern": "^[0-9]{1,19}$"} if typed.HasField("gte") and typed.gte >= 0 else {}
    if kind not in {None, "duration", "timestamp"} and hasattr(typed, "gte"):  # those are texts in JSON
        return _present(typed, _BOUNDS)
    return {}


def _of_string(typed: validate_pb2.StringRules) -> JsonSchema:
    made = _present(typed, {"min_len": "minLength", "max_len": "maxLength", "pattern": "pattern", "const": "const"})
    listed, formats = list(getattr(typed, "in")), [name for flag, name in _FORMATS.items() if getattr(typed, flag)]
    if formats:
        made["format"] = formats[0]
    return made | ({"enum": listed} if listed else {})


def _of_bytes(typed: validate_pb2.BytesRules) -> JsonSchema:
    """Return lengths of base64: at least that without padding, at most that with it."""
    made: JsonSchema = {}
    if typed.HasField("min_len"):
        made["minLength"] = (typed.min_len * 4 + 2) // 3
    if typed.HasField("max_len"):
        made["maxLength"] = (typed.max_len + 2) // 3 * 4
    return made


def _present(typed: Any, names: dict[str, str]) -> JsonSchema:  # rules of any type
    return {keyword: getattr(typed, name) for name, keyword in names.items() if typed.HasField(name)}
