"""Changes of packs. Nobody is told of them: they are how saves are stored, and saves are told of."""

from dataclasses import replace
from uuid import UUID

from chassis import ids
from chassis.database import Transaction
from services.workspace.packs import store
from services.workspace.packs.domain import Pack, is_base
from services.workspace.saves import store as save_store
from services.workspace.saves.domain import Save, State


async def begin_pack(tx: Transaction, *, save: Save) -> tuple[Pack, str]:
    """Return the pack of a save, and the commit on which it may rest, empty for none.

    One that is stored already is returned as it is. PackLost while another process stores one.
    """
    current = await store.lock_pack_of(tx.connection, save.save_id)
    if current is not None and current.facts is not None:
        return current, ""
    # Held, so that it is not deleted before ours says that it rests on it.
    previous = await save_store.lock_previous(tx.connection, save)
    complete = previous is not None and previous.state is State.COMPLETE
    chain = await store.chain_of(tx.connection, previous.save_id) if previous is not None and complete else []
    base = chain[-1] if is_base(chain) else None
    pack = Pack(ids.new(), save.account_id, save.workspace_id, save.save_id, base.pack_id if base else None)
    await store.insert_pack(tx.connection, pack, tx.now)
    return pack, base.commit_id if base else ""


async def add_chunk(tx: Transaction, *, pack: Pack, number: int, data: bytes) -> None:
    """Store a piece of a pack. PackLost when another process stores that save anew."""
    await store.insert_chunk(tx.connection, pack, number, data)


async def complete_pack(tx: Transaction, *, pack: Pack) -> None:
    """Remember that all bytes of a pack are stored, and what they are. PackLost unless they are."""
    current = await store.lock_pack(tx.connection, pack.pack_id)
    pack.expect_all(await store.count_stored(tx.connection, pack.pack_id))
    await store.update_pack(tx.connection, replace(pack, facts=current.facts or pack.facts))


async def drop_incomplete(tx: Transaction, *, save_id: UUID, pack_id: UUID | None = None) -> bool:
    """Remove some of what is stored of a save, unless that is all of it. Returns whether nothing is left to remove.

    With `pack_id` only of that pack, as another process may have begun anew.
    """
    current = await store.lock_pack_of(tx.connection, save_id)
    if current is None or current.facts is not None or pack_id not in (None, current.pack_id):
        return True
    return await store.shrink(tx.connection, current.pack_id)


async def drop_unneeded(tx: Transaction, *, workspace_id: UUID) -> bool:
    """Remove some of what deleted saves of a workspace hold and no other needs. Returns whether nothing was left."""
    pack_id = await store.lock_unneeded(tx.connection, workspace_id)
    if pack_id is not None:
        await store.shrink(tx.connection, pack_id)
    return pack_id is None
