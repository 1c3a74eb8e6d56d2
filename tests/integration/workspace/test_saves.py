"""No path deletes unsaved work: whatever removes a workspace, its directory can be had again as it was."""

from collections.abc import Awaitable, Callable

import grpc
import pytest
from stateroom.workspace.v1 import save_pb2, workspace_pb2
from stateroom.workspace.v1 import save_service_pb2 as pb

from chassis import ids
from tests.support.checkouts import STATES, as_git_sees_it, contents
from tests.support.git import Origin, run_git
from tests.support.people import Person, newcomer
from tests.support.product import Product
from tests.support.refusals import refused
from tests.support.saves import (
    age,
    ask,
    at_rest,
    clean_up,
    files_of,
    purged,
    restored,
    saves_of,
    settled,
    vault_of,
)
from tests.support.waiting import until

Save = save_pb2.Save
Workspace = workspace_pb2.Workspace
DIRTY = ("stashes", "unpushed", "staged_and_dirty", "untracked", "ignored")


async def _worked_in(person: Person, origin: Origin, *states: str) -> Workspace:
    room = await person.ready_room(repository_url=origin.url)
    files = files_of(person, room)
    for name in ("one", "two"):
        (files / name).write_text(name)
        await run_git(files, "add", name)
    await run_git(files, "commit", "--quiet", "-m", "Not pushed")
    for state in states:
        await STATES[state](files)
    return room


async def _archive(person: Person, room: Workspace) -> None:
    await person.archive_room(room)
    assert (await settled(person, room)).cause == Save.ARCHIVE


async def _delete(person: Person, room: Workspace) -> None:
    await person.delete_room(room)
    assert (await settled(person, room)).cause == Save.DELETE
    await purged(person, room)


async def _delete_in_use(person: Person, room: Workspace) -> None:
    await person.create_session(room)
    await person.delete_room(room, force=True)
    await settled(person, room)
    await purged(person, room)


async def _delete_archived(person: Person, room: Workspace) -> None:
    await _archive(person, room)
    await at_rest(person, room)
    await person.delete_room(room)
    await purged(person, room)
    assert len(await saves_of(person, room)) == 1, "nothing changed, so nothing was saved again"


async def _clean_up(person: Person, room: Workspace) -> None:
    await _archive(person, room)
    await at_rest(person, room)
    await age(person, "workspaces", "update_time", room.workspace_id)

    async def deleted() -> bool:  # by hand here, or by the schedule
        await clean_up(person)
        return room.workspace_id not in {left.workspace_id for left in await person.list_rooms()}

    await until(deleted)
    await purged(person, room)


PATHS: list[Callable[[Person, Workspace], Awaitable[None]]] = [
    _archive,
    _delete,
    _delete_in_use,
    _delete_archived,
    _clean_up,
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__.lstrip("_"))
async def test_workspace_that_is_put_away_can_be_restored_as_it_was(
    person: Person, origin: Origin, path: Callable[[Person, Workspace], Awaitable[None]]
) -> None:
    """Bytes, status, stashes and branches of a new workspace are those of the old one, which may be gone."""
    room = await _worked_in(person, origin, *DIRTY)
    seen, held = await as_git_sees_it(files_of(person, room)), contents(files_of(person, room))
    await path(person, room)
    save = (await saves_of(person, room))[0]
    assert (save.state, save.stashes, save.unpushed_commits, save.complaint) == (Save.COMPLETE, 3, 2, "")
    again = await restored(person, save, name="again")
    assert (again.state, again.save_id, again.branch) == (Workspace.ACTIVE, save.save_id, "main"), again.state_reason
    assert contents(files_of(person, again)) == held
    assert await as_git_sees_it(files_of(person, again)) == seen
    assert (await person.runner(again)).runner_id


async def test_purge_workspace_leaves_nothing_but_its_saves(person: Person, origin: Origin) -> None:
    """The workspace is not found any more; the save has a time to go, and goes then, with all its bytes."""
    room = await _worked_in(person, origin)
    await _delete(person, room)
    assert (await refused(person.undelete_room(room))).reason == "WORKSPACE_NOT_FOUND"
    assert room.workspace_id not in {left.workspace_id for left in await person.list_rooms(show_deleted=True)}
    save = (await saves_of(person, room))[0]
    assert 89 < (save.expire_time.seconds - save.create_time.seconds) / 86_400 < 91
    await age(person, "saves", "expire_time", save.save_id)

    async def gone() -> bool:
        return not vault_of(person, room).exists()

    await until(gone)
    assert await saves_of(person, room) == []
    assert (await refused(ask(person, "GetSave", pb.GetSaveRequest(save_id=save.save_id)))).reason == "SAVE_NOT_FOUND"


async def test_workspace_that_cannot_be_saved_is_not_removed(person: Person, origin: Origin) -> None:
    """The save says why; neither a clean-up nor the purge takes it, and what can be saved later is cleaned up later."""
    room = await _worked_in(person, origin)
    large = files_of(person, room) / "sparse"
    with large.open("wb") as file:
        file.truncate(1 << 42)
    await person.archive_room(room)
    save = await settled(person, room)
    assert (save.state, save.cause) == (Save.FAILED, Save.ARCHIVE)
    assert save.state_reason == f"it holds more than {20 << 30} bytes, as counted up to sparse of {1 << 42}"
    assert (await refused(ask(person, "RestoreSave", pb.RestoreSaveRequest(save_id=save.save_id)))).reason == (
        "SAVE_NOT_COMPLETE"
    )
    await at_rest(person, room)
    await age(person, "workspaces", "update_time", room.workspace_id)
    outcome = await clean_up(person, dry_run=True)
    assert [failure.workspace_id for failure in outcome.failures] == [room.workspace_id]
    assert save.state_reason in outcome.failures[0].cause
    assert len(await saves_of(person, room)) == 1
    large.unlink()
    await clean_up(person)
    assert (await settled(person, room, 2)).cause == Save.CLEAN_UP

    async def deleted() -> bool:
        await clean_up(person)
        return room.workspace_id not in {left.workspace_id for left in await person.list_rooms()}

    await until(deleted)
    await purged(person, room)


async def test_purge_workspace_whose_save_is_damaged_saves_it_again_first(person: Person, origin: Origin) -> None:
    """A save that cannot be read from end to end is none."""
    room = await _worked_in(person, origin, *DIRTY)
    held = contents(files_of(person, room))
    await person.delete_room(room)
    await settled(person, room)
    for pack in vault_of(person, room).glob("objects/pack/*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(pack.read_bytes()[:-100] + bytes(100))
    await purged(person, room)
    good, bad = await saves_of(person, room)
    assert (bad.state, bad.state_reason) == (Save.FAILED, "what was saved is damaged")
    assert contents(files_of(person, await restored(person, good))) == held


async def test_create_save_of_an_active_workspace_disturbs_nobody(person: Person, origin: Origin) -> None:
    """The session goes on, and what is done afterwards is in the next save only."""
    room = await _worked_in(person, origin)
    session = await person.create_session(room)
    request = pb.CreateSaveRequest(workspace_id=room.workspace_id, request_id=str(ids.new()))
    asked = [await ask(person, "CreateSave", request) for _ in range(2)]
    assert asked[0].save_id == asked[1].save_id
    save = await settled(person, room)
    assert (save.cause, save.unpushed_commits) == (Save.ON_DEMAND, 1)
    (files_of(person, room) / "later").touch()
    assert (await person.session(session.session_id)).state == session.state
    again = await restored(person, save, name="again")
    assert not (files_of(person, again) / "later").exists()
    deleted = await ask(person, "DeleteSave", pb.DeleteSaveRequest(save_id=save.save_id, etag=save.etag))
    assert deleted.state == Save.DELETED
    assert await saves_of(person, room) == []


async def test_create_save_of_a_workspace_that_never_was_ready_is_refused(person: Person, origin: Origin) -> None:
    """It has no directory."""
    room = await person.settled(await person.create_room(repository_url=f"{origin.url}/nothing"))
    refusal = await refused(ask(person, "CreateSave", pb.CreateSaveRequest(workspace_id=room.workspace_id)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WORKSPACE_NOT_ACTIVE")


async def test_restore_save_under_a_name_that_is_taken_says_so(person: Person) -> None:
    """Without a name it is called as the old one was."""
    room = await person.ready_room(name="api")
    await ask(person, "CreateSave", pb.CreateSaveRequest(workspace_id=room.workspace_id))
    save = await settled(person, room)
    request = pb.RestoreSaveRequest(save_id=save.save_id)
    assert (await refused(ask(person, "RestoreSave", request))).reason == "WORKSPACE_NAME_TAKEN"
    await person.delete_room(room)
    assert (await restored(person, save)).name == "api"


async def test_clean_up_leaves_what_changed_lately_or_is_active(product: Product) -> None:
    """A dry run changes nothing; a day less than the limit is not enough; one that is active never goes."""
    await product.start("workspace", workspace_limit=10, clean_up_days=0)
    async with newcomer(product) as person:
        active, put_away = await person.ready_room(name="active"), await person.ready_room(name="old")
        await person.archive_room(put_away)
        await at_rest(person, put_away)
        outcome = await clean_up(person, dry_run=True)
        assert [found.name for found in outcome.workspaces] == ["old"]
        assert {room.name for room in await person.list_rooms()} == {"active", "old"}
        outcome = await clean_up(person)
        assert [(found.name, found.state) for found in outcome.workspaces] == [("old", Workspace.DELETED)]
        assert [room.workspace_id for room in await person.list_rooms()] == [active.workspace_id]
