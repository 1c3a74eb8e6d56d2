"""The test contract with every kind of field and every form of an http rule: its descriptor set and its messages."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from google.api import annotations_pb2, httpbody_pb2
from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from grpc_tools import protoc
from stateroom.api.v1 import policy_pb2

_TESTS = Path(__file__).resolve().parents[1]
_IMPORTS = (
    _TESTS / "protos",
    _TESTS.parent / "protos",
    Path(annotations_pb2.__file__).parents[2],
    Path(protoc.__file__).parent / "_proto",
)
FILE = "test/transcoding/v1/transcoding.proto"
SERVICE = "test.transcoding.v1.TranscodingService"
PART_SERVICE = "test.transcoding.v1.PartService"
_WELL_KNOWN = (any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2)
IMPORTED = (annotations_pb2, httpbody_pb2, policy_pb2, *_WELL_KNOWN)
"""Whose loading puts what the contract imports into the default pool."""


@cache
def descriptor_set() -> bytes:
    """Return the compiled contract with everything it imports."""
    with tempfile.TemporaryDirectory(prefix="sr-test-") as folder:
        target = Path(folder) / "contract.binpb"
        paths = (f"--proto_path={path}" for path in _IMPORTS)
        assert protoc.main(["protoc", *paths, f"--descriptor_set_out={target}", "--include_imports", FILE]) == 0
        return target.read_bytes()


@cache
def pool() -> descriptor_pool.DescriptorPool:
    """Return the default pool, which knows the contract from now on."""
    files = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set())
    default = descriptor_pool.Default()
    default.AddSerializedFile(next(file for file in files.file if file.name == FILE).SerializeToString())
    return default


def methods() -> dict[str, MethodDescriptor]:
    """Return the methods of both services by their names."""
    services = (pool().FindServiceByName(name) for name in (SERVICE, PART_SERVICE))
    return {method.name: method for service in services for method in service.methods}


def message_class(name: str) -> Any:  # the class is made at run time
    """Return the class of a message of the contract, such as `Everything`."""
    full_name = name if "." in name else f"test.transcoding.v1.{name}"
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(full_name))


def canonical(message: Message) -> bytes:
    """Return a message's bytes in which the order of fields and of entries of maps says nothing."""
    encoded: bytes = message.SerializeToString(deterministic=True)
    return encoded
