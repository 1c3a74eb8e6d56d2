"""Reads of packs."""

from uuid import UUID

from chassis.sql import Connection
from services.workspace.packs import store
from services.workspace.packs.domain import Pack


async def list_chain(connection: Connection, *, save_id: UUID) -> list[Pack]:
    """Return the packs that make a save, each after the one that it rests on; none when the save has no pack."""
    return await store.chain_of(connection, save_id)


async def find_chunk(connection: Connection, *, pack_id: UUID, number: int) -> bytes:
    """Return a piece of a pack, the first has number 0; empty when there is none."""
    return await store.find_chunk(connection, pack_id, number)
