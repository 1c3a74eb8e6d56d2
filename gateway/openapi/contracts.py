"""The contracts as a description needs them: descriptors with their options, and the comments beside them."""

from collections.abc import Iterator

from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool

Path = tuple[int, ...]

# Numbers of the fields of descriptor.proto that lead to a declaration.
_FILE_MESSAGE, _FILE_ENUM, _FILE_SERVICE = 4, 5, 6
_MESSAGE_FIELD, _MESSAGE_NESTED, _MESSAGE_ENUM = 2, 3, 4
_ENUM_VALUE, _SERVICE_METHOD = 2, 2


class Contracts:
    """Reads a FileDescriptorSet that includes its imports and its comments."""

    def __init__(self, descriptor_set: bytes) -> None:
        self._pool = DescriptorPool()
        self._comments: dict[str, str] = {}
        for file in descriptor_pb2.FileDescriptorSet.FromString(descriptor_set).file:
            self._pool.Add(file)
            texts = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
            for path, name in _declarations(file):
                if path in texts:
                    self._comments[name] = "\n".join(line.strip() for line in texts[path].strip().splitlines())

    def method(self, service: str, name: str) -> MethodDescriptor:
        """Return a method. KeyError when there is none."""
        return self._pool.FindServiceByName(service).methods_by_name[name]

    def message(self, full_name: str) -> Descriptor:
        """Return a message. KeyError when there is none."""
        return self._pool.FindMessageTypeByName(full_name)

    def enum(self, full_name: str) -> EnumDescriptor:
        """Return an enum. KeyError when there is none."""
        return self._pool.FindEnumTypeByName(full_name)

    def comment(self, full_name: str) -> str:
        """Return the comment above a declaration; that of an enum's value is found below the enum's name."""
        return self._comments.get(full_name, "")


def _declarations(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[Path, str]]:
    for at, message in enumerate(file.message_type):
        yield from _in_message(message, (_FILE_MESSAGE, at), file.package)
    for at, enum in enumerate(file.enum_type):
        yield from _in_enum(enum, (_FILE_ENUM, at), file.package)
    for at, service in enumerate(file.service):
        name = f"{file.package}.{service.name}"
        yield (_FILE_SERVICE, at), name
        for index, method in enumerate(service.method):
            yield (_FILE_SERVICE, at, _SERVICE_METHOD, index), f"{name}.{method.name}"


def _in_message(message: descriptor_pb2.DescriptorProto, path: Path, scope: str) -> Iterator[tuple[Path, str]]:
    name = f"{scope}.{message.name}"
    yield path, name
    for at, field in enumerate(message.field):
        yield (*path, _MESSAGE_FIELD, at), f"{name}.{field.name}"
    for at, nested in enumerate(message.nested_type):
        yield from _in_message(nested, (*path, _MESSAGE_NESTED, at), name)
    for at, enum in enumerate(message.enum_type):
        yield from _in_enum(enum, (*path, _MESSAGE_ENUM, at), name)


def _in_enum(enum: descriptor_pb2.EnumDescriptorProto, path: Path, scope: str) -> Iterator[tuple[Path, str]]:
    name = f"{scope}.{enum.name}"
    yield path, name
    for at, value in enumerate(enum.value):
        yield (*path, _ENUM_VALUE, at), f"{name}.{value.name}"
