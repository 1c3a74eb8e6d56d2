"""Strategies for messages of any type: whatever their JSON form can carry."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf import any_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

_F = FieldDescriptor
_INT32, _INT64 = (st.integers(-(1 << bits), (1 << bits) - 1) for bits in (31, 63))
_UINT32, _UINT64 = (st.integers(0, (1 << bits) - 1) for bits in (32, 64))
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
_VALUES: dict[int, st.SearchStrategy[Any]] = {
    _F.TYPE_STRING: TEXT,
    _F.TYPE_BYTES: st.binary(max_size=20),
    _F.TYPE_BOOL: st.booleans(),
    _F.TYPE_DOUBLE: _DOUBLES,
    # A subnormal one has fewer digits than all others, so two writers of the same bits write two numbers.
    _F.TYPE_FLOAT: st.floats(-(2.0**127), 2.0**127, width=32, allow_subnormal=False),
    **dict.fromkeys((_F.TYPE_INT32, _F.TYPE_SINT32, _F.TYPE_SFIXED32), _INT32),
    **dict.fromkeys((_F.TYPE_INT64, _F.TYPE_SINT64, _F.TYPE_SFIXED64), _INT64),
    **dict.fromkeys((_F.TYPE_UINT32, _F.TYPE_FIXED32), _UINT32),
    **dict.fromkeys((_F.TYPE_UINT64, _F.TYPE_FIXED64), _UINT64),
}
_FLOATS = {_F.TYPE_DOUBLE, _F.TYPE_FLOAT}
_NOT_FINITE = st.sampled_from([float("nan"), float("inf"), float("-inf")])
MOST = 6
"""Fields of one message that are drawn; all of them together would take long."""
_NANOS = st.integers(0, 999_999_999)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _DOUBLES | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
_JSON_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "google.protobuf.Value": _JSON,
    "google.protobuf.Struct": st.dictionaries(TEXT, _JSON, max_size=3),
    "google.protobuf.ListValue": st.lists(_JSON, max_size=3),
}
_TEXTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "google.protobuf.Timestamp": st.fixed_dictionaries(
        {"seconds": st.integers(-62_135_596_800, 253_402_300_799), "nanos": _NANOS}
    ),
    "google.protobuf.Duration": st.builds(
        lambda sign, seconds, nanos: {"seconds": sign * seconds, "nanos": sign * nanos},
        st.sampled_from([1, -1]),
        st.integers(0, 315_575_999_999),
        _NANOS,
    ),
    "google.protobuf.FieldMask": st.fixed_dictionaries(
        {"paths": st.lists(st.from_regex(r"[a-z]{1,8}(_[a-z]{1,8})?(\.[a-z]{1,8})?", fullmatch=True), max_size=3)}
    ),
}
"""Well-known types whose JSON is one text → what they hold."""
_PACKED = ("google.protobuf.FieldMask",)
"""What an Any holds: a type that every contract has; of others Envoy writes zeros, which are other bytes."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What messages are wanted.

    Attributes:
        bound: paths of fields that are set, and to what.
        queried: names of fields that hold only what a query can.
        finite: leave out NaN and the infinities.
        depth: how many levels of messages there may be inside.
    """

    bound: Mapping[str, st.SearchStrategy[Any]] = field(default_factory=dict)
    queried: frozenset[str] = frozenset()
    finite: bool = True
    depth: int = 2

    def inside(self, outer: FieldDescriptor) -> "Wish":
        """Return the wish for the message that a field holds."""
        parts = ((path.partition("."), values) for path, values in self.bound.items())
        bound = {inner: values for (first, _, inner), values in parts if first == outer.name and inner}
        kind = outer.message_type
        names = (each.name for each in kind.fields) if kind is not None and outer.name in self.queried else ()
        return replace(self, bound=bound, queried=frozenset(names), depth=self.depth - 1)


def messages(kind: Descriptor, wish: Wish | None = None) -> st.SearchStrategy[Any]:
    """Return a strategy for messages of a type."""
    made = message_factory.GetMessageClass(kind)
    if kind.full_name in _TEXTS:
        return _TEXTS[kind.full_name].map(lambda values: made(**values))
    if kind.full_name in _JSON_VALUES:
        return _JSON_VALUES[kind.full_name].map(lambda value: json_format.ParseDict(value, made()))
    return _packed() if kind.full_name == "google.protobuf.Any" else _objects(kind, wish or Wish())


@st.composite
def _objects(draw: st.DrawFn, kind: Descriptor, wish: Wish) -> Any:
    made = message_factory.GetMessageClass(kind)()
    names = {path.partition(".")[0] for path in wish.bound}
    if kind.fields:
        names |= draw(st.sets(st.sampled_from([each.name for each in kind.fields]), max_size=MOST))
    for each in kind.fields:
        if each.name in wish.bound:
            setattr(made, each.name, draw(wish.bound[each.name]))
        elif each.name in names:
            values = _values(each, wish)
            if values is not None and not _displaces(each, made):
                _fill(made, each, draw(values))
    return made


def _displaces(each: FieldDescriptor, made: Message) -> bool:
    """Return whether setting a field would clear another of its oneof."""
    group = each.containing_oneof
    return group is not None and made.WhichOneof(group.name) is not None


def _values(each: FieldDescriptor, wish: Wish) -> st.SearchStrategy[Any] | None:
    """Return what a field may hold; None when that is nothing."""
    kind, simple = each.message_type, each.name in wish.queried
    if kind is not None and kind.GetOptions().map_entry:
        keys, held = (_single(kind.fields_by_name[name], wish) for name in ("key", "value"))
        return None if simple or keys is None or held is None else st.dictionaries(keys, held, max_size=2)
    if kind is not None and simple and not _is_text(kind) and (each.is_repeated or not _is_object(kind)):
        return None
    if each.enum_type is not None and simple and each.enum_type.full_name == "google.protobuf.NullValue":
        return None
    single = _single(each, wish)
    if single is not None and kind is not None and simple and not _is_text(kind):
        single = single.filter(lambda message: message.ByteSize() > 0)  # a query cannot say that one is there
    return single if single is None or not each.is_repeated else st.lists(single, max_size=2)


def _is_text(kind: Descriptor) -> bool:
    return kind.full_name in _TEXTS or kind.file.name == "google/protobuf/wrappers.proto"


def _is_object(kind: Descriptor) -> bool:
    return not kind.full_name.startswith("google.protobuf.")


def _single(each: FieldDescriptor, wish: Wish) -> st.SearchStrategy[Any] | None:
    if each.message_type is not None:
        inside = wish.inside(each)
        return messages(each.message_type, inside) if wish.depth or inside.bound else None
    if each.enum_type is not None:
        return st.sampled_from([value.number for value in each.enum_type.values])
    if each.type in _FLOATS and not wish.finite:
        return _VALUES[each.type] | _NOT_FINITE
    return _VALUES[each.type]


def _fill(made: Any, each: FieldDescriptor, value: Any) -> None:
    held = getattr(made, each.name)
    kind = each.message_type
    if kind is not None and kind.GetOptions().map_entry:
        if kind.fields_by_name["value"].message_type is None:
            held.update(value)
        else:
            for key, one in value.items():
                held[key].CopyFrom(one)
    elif each.is_repeated:
        held.extend(value)
    elif kind is not None:
        held.CopyFrom(value)
    else:
        setattr(made, each.name, value)


@st.composite
def _packed(draw: st.DrawFn) -> Message:
    name = draw(st.sampled_from(_PACKED))
    packed = any_pb2.Any()
    packed.Pack(draw(messages(descriptor_pool.Default().FindMessageTypeByName(name), Wish(depth=0))))
    return packed


def segments(pattern: str) -> st.SearchStrategy[str]:
    """Return values that a variable of a path takes, such as `shelves/*` or `files/**`; never an empty segment."""
    segment = TEXT.map(lambda text: text.replace("/", "-")).filter(lambda text: text.strip("."))
    parts = [
        st.lists(segment, min_size=1, max_size=3).map("/".join)
        if part == "**"
        else segment
        if part == "*"
        else st.just(part)
        for part in pattern.split("/")
    ]
    return st.tuples(*parts).map("/".join)
