"""What a change is before it is numbered: the entity's public form before and after, who did it, why, and when."""

import builtins
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from stateroom.api.v1 import policy_pb2
from stateroom.event.v1 import change_pb2

from chassis import ids, trace
from chassis.actor import Actor
from chassis.sql import Connection


@runtime_checkable
class Entity(Protocol):
    """A domain object that changes are recorded of."""

    @property
    def entity_id(self) -> UUID:
        """Its id, unique among all entities."""

    @property
    def version(self) -> int:
        """1 when created, one more with each change."""


@dataclass(frozen=True, slots=True)
class EntityKind:
    """How entities of one class appear in events and are found again.

    `type` is their name in events; `to_proto` gives their public resource message; `load` reads one by id, or raises
    its NotFound.
    """

    type: str
    entity: builtins.type[Any]
    to_proto: Callable[[Any], Message]
    load: Callable[[Connection, UUID], Awaitable[Any]]


class Registry:
    """The entity kinds of one service."""

    def __init__(self, *kinds: EntityKind) -> None:
        self._by_class = {kind.entity: kind for kind in kinds}
        self._by_type = {kind.type: kind for kind in kinds}

    def kind_of(self, entity: Entity) -> EntityKind:
        """Return the kind of an entity. KeyError for a class nobody registered."""
        return self._by_class[type(entity)]

    async def load(self, connection: Connection, type: str, entity_id: UUID) -> Any:  # noqa: A002  # any kind
        """Return an entity as it is now."""
        return await self._by_type[type].load(connection, entity_id)


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change on its way into the outbox: the two byte strings that are stored, published and hashed as they are."""

    account_id: UUID
    header: bytes
    payload: bytes


def pending(  # the facts of a change, none of which belongs with another
    registry: Registry,
    actor: Actor,
    now: datetime,
    type: str,  # noqa: A002  # the event's own word
    before: Entity | None,
    after: Entity | None,
) -> PendingChange:
    """Put a change into its final form. Fields marked sensitive are left out."""
    entity = after if after is not None else before
    if entity is None:
        msg = "a change has a before or an after"
        raise ValueError(msg)
    kind = registry.kind_of(entity)
    header = change_pb2.ChangeHeader(
        event_id=str(ids.new()),
        account_id=str(actor.account_id),
        entity_type=kind.type,
        entity_id=str(entity.entity_id),
        entity_version=entity.version,
        type=type,
        actor_id=actor.subject,
        credential_id=actor.credential_id,
        cause_event_id=actor.cause_event_id,
        request_id=actor.correlation_id,
        trace_id=trace.trace_id(),
        outcome=change_pb2.ChangeHeader.SUCCEEDED,
    )
    header.time.FromDatetime(now)
    payload = change_pb2.ChangePayload(ip_address=actor.ip_address, user_agent=actor.user_agent)
    was = _public(kind, before)
    is_ = _public(kind, after)
    if was is not None:
        payload.before.Pack(was)
    if is_ is not None:
        payload.after.Pack(is_)
    payload.changed_fields.extend(_changed(was, is_))
    return PendingChange(actor.account_id, header.SerializeToString(), payload.SerializeToString())


def _public(kind: EntityKind, entity: Entity | None) -> Message | None:
    if entity is None:
        return None
    message = kind.to_proto(entity)
    for name in _sensitive(message.DESCRIPTOR):
        message.ClearField(name)
    return message


@cache
def _sensitive(descriptor: Descriptor) -> tuple[str, ...]:
    return tuple(field.name for field in descriptor.fields if field.GetOptions().Extensions[policy_pb2.sensitive])


def _changed(was: Message | None, is_: Message | None) -> list[str]:
    some = was if was is not None else is_
    if some is None:
        return []
    left, right = (dict(_fields(message)) for message in (was, is_))
    return [name for name in some.DESCRIPTOR.fields_by_name if left.get(name) != right.get(name)]


def _fields(message: Message | None) -> list[tuple[str, Any]]:
    return [] if message is None else [(field.name, value) for field, value in message.ListFields()]
