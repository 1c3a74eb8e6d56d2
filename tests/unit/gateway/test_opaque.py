"""JSON of a google.protobuf.Any that the gateway cannot read: its type and its bytes, beside everything else."""

import json

import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration

from gateway.transcode.codec import Codec
from gateway.transcode.schema import Schema
from tests.support.every_field import descriptor_set, message_class

UNKNOWN = Packed(type_url="type.googleapis.com/newer.v1.Thing", value=b"\x0a\x01x")
BROKEN = Packed(type_url="type.googleapis.com/google.protobuf.Duration", value=b"\xff")
NAMELESS = Packed(type_url="newer/", value=b"x")
KNOWN = Packed()
KNOWN.Pack(Duration(seconds=5))
SHOWN = {
    "unknown": {"@type": "type.googleapis.com/newer.v1.Thing", "value": "CgF4"},
    "broken": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "/w=="},
    "nameless": {"@type": "newer/", "value": "eA=="},
    "known": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "5s"},
}


@pytest.fixture(scope="module")
def everything() -> Schema:
    """Return the contract with every kind of field."""
    return Schema(descriptor_set())


def _decoded(schema: Schema, **fields: object) -> object:
    descriptor = schema.registry.message("test.transcoding.v1.Everything")
    assert descriptor is not None
    message = message_class("Everything")(**fields)
    return json.loads(Codec(schema.registry).decode(schema.message(descriptor), message.SerializeToString()))


@pytest.mark.parametrize(("packed", "shown"), [(UNKNOWN, "unknown"), (BROKEN, "broken"), (NAMELESS, "nameless")])
def test_decode_any_that_cannot_be_read_shows_type_and_bytes(everything: Schema, packed: Packed, shown: str) -> None:
    """A newer service's message is an answer, not a fault; all other fields are as they would be without it."""
    plain = _decoded(everything, string_value="a", int64_value=1 << 60, double_value=float("inf"))
    decoded = _decoded(everything, string_value="a", int64_value=1 << 60, double_value=float("inf"), any=packed)
    assert isinstance(plain, dict)
    assert decoded == plain | {"any": SHOWN[shown]}


def test_decode_any_in_lists_and_maps_shows_each_in_its_place(everything: Schema) -> None:
    """Those that can be read are shown as ever, beside those that cannot."""
    decoded = _decoded(everything, anys=[KNOWN, UNKNOWN, BROKEN], anys_by_truth={True: UNKNOWN, False: KNOWN})
    assert isinstance(decoded, dict)
    assert decoded["anys"] == [SHOWN["known"], SHOWN["unknown"], SHOWN["broken"]]
    assert decoded["anysByTruth"] == {"true": SHOWN["unknown"], "false": SHOWN["known"]}
