"""Saves in the database: whole or not there, whoever dies, and no room goes without one."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import asyncpg
import pytest

from chassis.errors import Unavailable
from services.workspace.saves import operations as save_operations
from services.workspace.saves.before_removal import LOOK_AGAIN, BeforeRemoval
from services.workspace.saves.directories import Directories
from services.workspace.saves.vaults import Refused
from tests.support.checkouts import contents
from tests.support.places import first_and_thorough
from tests.support.vaults import VaultStage
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(150)]

_LOST = "what was saved is damaged"
_DAMAGES = (
    "UPDATE save_chunks SET data = set_byte(data, 99, get_byte(data, 99) # 1)",
    "UPDATE save_chunks SET data = substr(data, 2)",
    "DELETE FROM save_chunks",
)


async def test_take_save_of_an_archived_workspace_starts_a_runner_for_it_alone(vault_stage: VaultStage) -> None:
    """It is found by nobody, ends with the save, and the save is that of the directory as it is."""
    room = await vault_stage.archive(await vault_stage.room({"large": os.urandom(3 << 20), "small": b"1"}))
    save = await vault_stage.taken(room)
    assert (save.state.name, save.files) == ("COMPLETE", 2)
    assert (await vault_stage.stored(save))[0] == 4
    await vault_stage.until_empty(room)
    assert await vault_stage.current(room) == save.save_id
    async with vault_stage.placement.for_save(vault_stage.actor, room.workspace_id):
        assert await vault_stage.placement.find(vault_stage.actor, room.workspace_id) is None
    assert await vault_stage.current(room) == save.save_id
    assert contents(await vault_stage.restored(save)) == contents(vault_stage.files(room.workspace_id))


async def test_take_save_of_a_runner_that_sends_without_end_is_refused_and_leaves_nothing(
    vault_stage: VaultStage,
) -> None:
    """Somebody may have taken a runner over, and the database is everybody's."""
    nothing = replace(vault_stage.vaults, beside_files=-vault_stage.settings.save_size_limit // 16 * 17)
    room = await vault_stage.archive(await vault_stage.room({"small": b"1"}))
    save = await vault_stage.begun(room)
    with pytest.raises(Refused, match="sends more than a save may hold"):
        await nothing.take(vault_stage.actor, save)
    assert await vault_stage.stored(save) == (0, 0)
    await vault_stage.until_empty(room)


@pytest.mark.thorough
async def test_ensure_runner_while_the_room_is_saved_starts_another(vault_stage: VaultStage) -> None:
    """Who works again does not do it in a runner that is not counted as one; the save is not the current one then."""
    stage = vault_stage
    room = await stage.archive(await stage.room({"one": b"1"}))
    save = await stage.taken(room)
    async with stage.placement.for_save(stage.actor, room.workspace_id) as saving:
        active = await stage.unarchive(room)
        working = await stage.replica().placement.ensure(stage.actor, room.workspace_id)
        assert working.runner_id != saving.runner_id
        assert await stage.current(room) is None
    found = await stage.placement.find(stage.actor, room.workspace_id)
    assert found is not None
    assert found.runner_id == working.runner_id
    later = await stage.taken(active)
    assert (later.state, await stage.vaults.is_sound(stage.actor, save)) == (save.state, True)
    assert stage.product.runner_of(str(room.workspace_id)) is not None


@pytest.mark.thorough
async def test_ensure_runner_while_one_for_a_save_starts_starts_another(vault_stage: VaultStage) -> None:
    """Nobody works in a runner that was begun for a save, also who meets it before it serves."""
    stage = vault_stage
    room = await stage.archive(await stage.room({"one": b"1"}))
    statement = "SELECT purpose FROM runners WHERE workspace_id = $1 AND end_time IS NULL"

    async def save() -> None:
        with suppress(Unavailable):
            async with stage.placement.for_save(stage.actor, room.workspace_id):
                pass

    async def begun() -> bool:
        return bool(await stage.rows(statement, room.workspace_id))

    async with asyncio.TaskGroup() as group:
        group.create_task(save())
        await until(begun)
        await stage.unarchive(room)
        working = await stage.replica().placement.ensure(stage.actor, room.workspace_id)
    (row,) = await stage.rows(statement, room.workspace_id)
    found = await stage.placement.find(stage.actor, room.workspace_id)
    assert found is not None
    assert (row["purpose"], found.runner_id) == ("WORKSPACE", working.runner_id)


async def test_take_save_after_another_rests_on_it_until_that_is_no_gain(vault_stage: VaultStage) -> None:
    """What did not change is stored once; a deleted save keeps what others need, and nothing stays in the end."""
    stage = vault_stage
    room = await stage.room({"large": os.urandom(1 << 20)})
    files = stage.files(room.workspace_id)
    saves = [await stage.taken(room)]
    for size in (1000, 1 << 20, 1000):
        (files / f"of{size}").write_bytes(os.urandom(size))
        saves.append(await stage.taken(room))
    sizes = [(await stage.stored(save))[1] for save in saves]
    assert [size > 1 << 20 for size in sizes] == [True, False, True, True]  # the last begins anew
    await stage.delete_save(saves[0])
    assert (await stage.stored(saves[0]))[1] == sizes[0]
    held = contents(files)
    (files / "of1000").write_bytes(b"")
    assert contents(await stage.restored(saves[3])) == held
    await stage.delete_save(saves[2])
    assert [(await stage.stored(save))[1] for save in saves[:3]] == [sizes[0], sizes[1], 0]
    await stage.delete_save(saves[1])
    await stage.delete_save(saves[3])
    left = await stage.rows("SELECT 1 FROM save_packs WHERE workspace_id = $1", room.workspace_id)
    assert left == []


async def test_take_save_of_more_than_the_limit_is_refused_and_leaves_nothing(vault_stage: VaultStage) -> None:
    """It says why, and no byte of it is stored."""
    room = await vault_stage.archive(await vault_stage.room({"one": bytes(1001)}))
    save = await vault_stage.begun(room)
    vaults = replace(vault_stage.vaults, size_limit=1000)
    with pytest.raises(Refused, match="it holds more than 1000 bytes, as counted up to one of 1001"):
        await vaults.take(vault_stage.actor, save)
    assert await vault_stage.rows("SELECT 1 FROM save_packs WHERE save_id = $1", save.save_id) == []
    await vault_stage.until_empty(room)


@asynccontextmanager
async def _chunks_locked(stage: VaultStage) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Let nobody store a piece; gives a check whether somebody waits for it."""
    connection = await asyncpg.connect(stage.product.installation.admin_url)
    statement = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'workspace.save_chunks'::regclass"

    async def waits() -> bool:
        return bool(await connection.fetchval(statement))

    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE workspace.save_chunks IN SHARE MODE")
            yield waits
    finally:
        await connection.close()


@pytest.mark.thorough
async def test_take_save_whose_runner_dies_midway_leaves_nothing_and_is_taken_again(vault_stage: VaultStage) -> None:
    """Pieces without the rest are no save; whoever tries again has all of it."""
    stage = vault_stage
    room = await stage.archive(await stage.room({"large": os.urandom(24 << 20)}))
    save = await stage.begun(room)

    async def fail() -> None:
        with pytest.raises(Unavailable):
            await stage.vaults.take(stage.actor, save)

    async with asyncio.TaskGroup() as group, _chunks_locked(stage) as waits:
        group.create_task(fail())
        await until(waits)
        runner = stage.product.runner_of(str(room.workspace_id))
        assert runner is not None
        os.kill(runner.pid, signal.SIGKILL)
    assert await stage.rows("SELECT 1 FROM save_packs WHERE save_id = $1", save.save_id) == []
    await stage.complete(save)
    assert await stage.vaults.is_sound(stage.actor, save)


@pytest.mark.thorough
async def test_take_save_by_two_replicas_at_once_stores_it_once(vault_stage: VaultStage) -> None:
    """Whoever loses is told to try again, and finds what the other has stored."""
    stage = vault_stage
    room = await stage.archive(await stage.room({"large": os.urandom(3 << 20)}))
    save = await stage.begun(room)
    both = [each.vaults.take(each.actor, save) for each in (stage, stage.replica())]
    for answer in await asyncio.gather(*both, return_exceptions=True):
        assert isinstance(answer, dict | Unavailable), answer
    complete = await stage.complete(save)
    assert (complete.files, (await stage.stored(save))[0]) == (1, 4)
    assert await stage.vaults.is_sound(stage.actor, save)
    assert (await stage.vaults.take(stage.actor, save))["files"] == 1, "what is stored is not asked for again"


@pytest.mark.parametrize("damage", first_and_thorough(_DAMAGES))
async def test_remove_room_whose_save_is_damaged_saves_it_again_first(vault_stage: VaultStage, damage: str) -> None:
    """A save of which one piece is not as it was has failed; its room stays, and the next save rests on nothing."""
    stage = vault_stage
    room = await stage.archive(await stage.room({"large": os.urandom(1 << 20)}))
    save = await stage.taken(room)
    await stage.rows(
        f"{damage} WHERE number = 1 AND pack_id = (SELECT pack_id FROM save_packs WHERE save_id = $1) RETURNING 1",  # noqa: S608  # statements of our own
        save.save_id,
    )
    with pytest.raises(Refused, match=_LOST):
        await stage.restored(save)
    purged = await stage.delete(room)
    rooms = Directories(stage.settings)
    removal = BeforeRemoval(stage.database, stage.vaults, rooms, lambda: None)
    assert await removal.remove(stage.actor, purged) == LOOK_AGAIN
    assert await rooms.has_room(room.workspace_id)
    (begun,) = await stage.rows(
        "SELECT save_id FROM saves WHERE workspace_id = $1 AND state = 'SAVING'", room.workspace_id
    )
    again = await stage.complete(replace(save, save_id=begun["save_id"]))
    assert (await stage.stored(again))[1] > 1 << 20
    assert await removal.remove(stage.actor, purged) is None
    assert not await rooms.has_room(room.workspace_id)
    assert [path.stat().st_size for path in (await stage.restored(again)).iterdir()] == [1 << 20]


@pytest.mark.thorough
async def test_remove_save_while_another_begins_to_rest_on_it_keeps_what_that_needs(vault_stage: VaultStage) -> None:
    """The one that is deleted first is not rested on; the one that is rested on first is kept."""
    stage = vault_stage
    room = await stage.room({"large": os.urandom(1 << 20)})
    first = await stage.taken(room)
    (stage.files(room.workspace_id) / "small").write_bytes(b"1")
    second = await stage.begun(room)
    held = contents(stage.files(room.workspace_id))

    async def delete() -> None:
        deleted = await stage.database.write(stage.actor, save_operations.delete_save, save_id=first.save_id, etag="")
        await stage.vaults.remove(stage.actor, deleted)

    await asyncio.gather(stage.complete(second), delete())
    assert await stage.vaults.is_sound(stage.actor, second)
    assert contents(await stage.restored(second)) == held
