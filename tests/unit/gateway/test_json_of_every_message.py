"""The JSON of the gateway's codec beside that of google.protobuf, over every message of the contracts."""

import json
import struct
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import InvalidType
from gateway.transcode.codec import Codec
from gateway.transcode.schema import MessageType, Schema
from tests.support.any_message import Wish, messages
from tests.support.contracts import messages as our_messages
from tests.support.every_field import canonical, descriptor_set, message_class

EVERY = [message_class(name).DESCRIPTOR for name in ("Everything", "Inner", "Update", "File", "Wish")]
KINDS = [*our_messages(), *EVERY]


@pytest.fixture(scope="module")
def schemas(schema: Schema) -> list[Schema]:
    """Return the installed contracts, and the one with every kind of field."""
    return [schema, Schema(descriptor_set())]


def _codec(schemas: list[Schema], kind: Descriptor) -> tuple[Codec, MessageType]:
    ours = next(each for each in schemas if each.registry.message(kind.full_name) is not None)
    descriptor = ours.registry.message(kind.full_name)
    assert descriptor is not None
    return Codec(ours.registry), ours.message(descriptor)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.full_name)
@settings(max_examples=5)
@given(data=st.data())
def test_json_of_any_message_is_googles(schemas: list[Schema], kind: Descriptor, data: st.DataObject) -> None:
    """What each writes is what the other writes, and reads in either spelling: names, numbers, times, maps, NaN."""
    message = data.draw(messages(kind, Wish(finite=False)))
    codec, ours = _codec(schemas, kind)
    written = json.loads(codec.decode(ours, message.SerializeToString()))
    theirs = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    assert _comparable(written) == _comparable(theirs)
    short = [json_format.MessageToDict(message, preserving_proto_field_name=preserving) for preserving in (True, False)]
    for value in (written, theirs, *short):
        assert canonical(type(message).FromString(codec.encode(ours, value))) == canonical(message)


def test_decode_float_has_all_its_digits(schemas: list[Schema]) -> None:
    """google.protobuf writes the eight digits that tell 32 bits apart, protobuf-py the number: both are read alike."""
    message = message_class("Everything")(float_value=78_070_432)
    codec, ours = _codec(schemas, message.DESCRIPTOR)
    assert json.loads(codec.decode(ours, message.SerializeToString()))["floatValue"] == 78_070_432
    assert json_format.MessageToDict(message) == {"floatValue": 78_070_430}
    assert message_class("Everything").FromString(codec.encode(ours, {"floatValue": 78_070_430})) == message


def test_encode_float_beyond_the_largest_is_refused(schemas: list[Schema]) -> None:
    """The largest float in eight digits lies beyond it: google.protobuf rounds it back, protobuf-py does not."""
    codec, ours = _codec(schemas, message_class("Everything").DESCRIPTOR)
    largest = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
    assert codec.encode(ours, {"floatValue": largest})
    with pytest.raises(InvalidType):
        codec.encode(ours, {"floatValue": 3.4028235e38})


def _comparable(value: Any) -> Any:
    """Return JSON in which -0.0 is not 0.0, true is not 1, and numbers have the digits of a float."""
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return f"{value:.7g}" if isinstance(value, int | float) and not isinstance(value, bool) else value
