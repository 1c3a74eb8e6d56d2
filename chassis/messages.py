"""Between values of ours and those of messages: instants and enumerations, the same in every domain's `convert`."""

from enum import Enum
from typing import Any, TypeVar

from google.protobuf.message import Message

E = TypeVar("E", bound=Enum)


def set_times(message: Message, entity: object, *names: str) -> None:
    """Set the instants of these names that the entity has; those that are None stay unset."""
    for name in names:
        instant = getattr(entity, name)
        if instant is not None:
            getattr(message, name).FromDatetime(instant)


def member(kind: type[E], values: Any, number: int) -> E | None:  # the wrapper of a generated enum, which has no type
    """Return what a value of a message's enum is called here; None for the unspecified one."""
    return None if number == 0 else kind[values.Name(number)]
