"""Writes of packs and their chunks, and reads by id."""

from dataclasses import fields
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import bindparam, delete, func, insert, select, text, update

from chassis import tables
from chassis.sql import Connection
from services.workspace.packs.domain import Pack
from services.workspace.packs.errors import PackLost
from services.workspace.packs.tables import save_chunks, save_packs

AT_ONCE = 32
"""Chunks that one statement removes, which then takes no long time."""

_COLUMNS = [save_packs.c[field.name] for field in fields(Pack)]
_OF_SAVE = select(*_COLUMNS).where(save_packs.c.save_id == bindparam("save_id")).with_for_update()
_BY_ID = select(*_COLUMNS).where(save_packs.c.pack_id == bindparam("pack_id")).with_for_update()
_ADD_CHUNK = insert(save_chunks)
_CHUNK = select(save_chunks.c.data).where(
    save_chunks.c.pack_id == bindparam("pack_id"), save_chunks.c.number == bindparam("number")
)
_STORED = select(func.coalesce(func.sum(func.length(save_chunks.c.data)), 0)).where(
    save_chunks.c.pack_id == bindparam("pack_id")
)
_CHAIN = text(f"""
WITH RECURSIVE chain AS (
    SELECT 0 AS place, save_packs.* FROM save_packs WHERE save_id = :save_id
    UNION ALL
    SELECT place + 1, below.* FROM chain JOIN save_packs AS below ON below.pack_id = chain.base_id
) SELECT {", ".join(field.name for field in fields(Pack))} FROM chain ORDER BY place DESC
""")  # noqa: S608  # names of our own
_UNNEEDED = text("""
SELECT pack_id FROM save_packs JOIN saves USING (save_id) WHERE save_packs.workspace_id = :workspace_id
    AND saves.state = 'DELETED'
    AND NOT EXISTS (SELECT FROM save_packs AS on_it WHERE on_it.base_id = save_packs.pack_id)
LIMIT 1 FOR UPDATE OF save_packs
""")


async def insert_pack(connection: Connection, pack: Pack, now: datetime) -> None:
    """Store a pack without bytes. PackLost when another process has just begun one of the same save."""
    try:
        await connection.execute(insert(save_packs), tables.row_of(pack) | {"create_time": now})
    except asyncpg.UniqueViolationError as exc:
        raise PackLost(pack.pack_id) from exc


async def insert_chunk(connection: Connection, pack: Pack, number: int, data: bytes) -> None:
    """Store a piece of a pack. PackLost when the pack is gone, or another process adds to it."""
    values = {"pack_id": pack.pack_id, "account_id": pack.account_id, "number": number, "data": data}
    try:
        await connection.execute(_ADD_CHUNK, values)
    except (asyncpg.ForeignKeyViolationError, asyncpg.UniqueViolationError) as exc:
        raise PackLost(pack.pack_id) from exc


async def lock_pack(connection: Connection, pack_id: UUID) -> Pack:
    """Return a pack and hold its row until the transaction ends. PackLost."""
    row = (await connection.execute(_BY_ID, {"pack_id": pack_id})).one_or_none()
    if row is None:
        raise PackLost(pack_id)
    return tables.to(Pack, row)


async def lock_pack_of(connection: Connection, save_id: UUID) -> Pack | None:
    """Return the pack of a save and hold its row until the transaction ends; None when it has none."""
    row = (await connection.execute(_OF_SAVE, {"save_id": save_id})).one_or_none()
    return None if row is None else tables.to(Pack, row)


async def update_pack(connection: Connection, pack: Pack) -> None:
    """Store a changed pack."""
    statement = update(save_packs).where(save_packs.c.pack_id == pack.pack_id)
    await connection.execute(statement.values(**tables.row_of(pack)))


async def count_stored(connection: Connection, pack_id: UUID) -> int:
    """Return how many bytes of a pack are stored."""
    return int((await connection.execute(_STORED, {"pack_id": pack_id})).scalar_one())


async def chain_of(connection: Connection, save_id: UUID) -> list[Pack]:
    """Return the packs that make a save, each after the one that it rests on; none when the save has no pack."""
    return [tables.to(Pack, row) for row in await connection.execute(_CHAIN, {"save_id": save_id})]


async def find_chunk(connection: Connection, pack_id: UUID, number: int) -> bytes:
    """Return a piece of a pack, the first has number 0; empty when there is none."""
    row = (await connection.execute(_CHUNK, {"pack_id": pack_id, "number": number})).one_or_none()
    return b"" if row is None else bytes(row.data)


async def lock_unneeded(connection: Connection, workspace_id: UUID) -> UUID | None:
    """Return a pack of a deleted save that no other rests on, and hold its row; None when there is none."""
    found = await connection.execute(_UNNEEDED, {"workspace_id": workspace_id})
    return found.scalar_one_or_none()


async def shrink(connection: Connection, pack_id: UUID) -> bool:
    """Remove some of a pack, and with the last of it the pack itself. Returns whether it is gone."""
    of_pack = save_chunks.c.pack_id == pack_id
    some = select(save_chunks.c.number).where(of_pack).limit(AT_ONCE)
    removed = await connection.execute(
        delete(save_chunks).where(of_pack, save_chunks.c.number.in_(some)).returning(save_chunks.c.number)
    )
    if len(removed.all()) == AT_ONCE:
        return False
    await connection.execute(delete(save_packs).where(save_packs.c.pack_id == pack_id))
    return True
