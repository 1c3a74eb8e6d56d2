"""The smallest domain there is: rooms with a name. It stands for any service whose changes others consume."""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import text
from stateroom.workspace.v1 import workspace_pb2

from chassis import ids
from chassis.actor import Actor, RepeatKey
from chassis.changes import EntityKind, Registry
from chassis.database import Transaction
from chassis.sql import Connection


class RolledBackError(Exception):
    """Makes an operation fail after it has done everything."""


@dataclass(frozen=True, slots=True)
class Room:
    """A room."""

    entity_id: UUID
    version: int
    name: str


def room_to_proto(room: Room) -> workspace_pb2.Workspace:
    """Return a room in the form of a workspace, the nearest thing in the contracts."""
    return workspace_pb2.Workspace(workspace_id=str(room.entity_id), name=room.name)


async def load_room(connection: Connection, room_id: UUID) -> Room:
    """Return a room as it is, and lock it."""
    row = (await connection.execute(text("SELECT * FROM rooms WHERE room_id = :id FOR UPDATE"), {"id": room_id})).one()
    return Room(row.room_id, row.version, row.name)


async def create_room(tx: Transaction, *, name: str, fail: bool = False) -> Room:
    """Create a room; raise RolledBackError at the end when told to fail."""
    room = Room(ids.new(), 1, name)
    values = {"id": room.entity_id, "account": tx.account_id, "name": name}
    await tx.connection.execute(text("INSERT INTO rooms VALUES (:id, :account, 1, :name)"), values)
    tx.record("created", after=room)
    if fail:
        raise RolledBackError
    return room


async def rename_room(tx: Transaction, *, room_id: UUID, name: str) -> Room:
    """Rename a room."""
    before = await load_room(tx.connection, room_id)
    after = replace(before, version=before.version + 1, name=name)
    values = {"id": room_id, "version": after.version, "name": name}
    await tx.connection.execute(text("UPDATE rooms SET version = :version, name = :name WHERE room_id = :id"), values)
    tx.record("renamed", before=before, after=after)
    return after


REGISTRY = Registry(EntityKind("workspace", Room, room_to_proto, load_room))


def actor(account_id: UUID, *, repeat: RepeatKey | None = None) -> Actor:
    """Return somebody who acts in an account."""
    return Actor(
        account_id=account_id,
        subject=str(account_id),
        credential_id="key-1",
        correlation_id="request-1",
        ip_address="192.0.2.7",
        user_agent="test/1",
        repeat=repeat,
    )
