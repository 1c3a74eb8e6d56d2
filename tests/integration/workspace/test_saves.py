"""No path deletes unsaved work: whatever removes a workspace, its directory can be had again as it was."""

import shutil
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest
from stateroom.workspace.v1 import save_pb2, workspace_pb2
from stateroom.workspace.v1 import save_service_pb2 as pb
from stateroom.workspace.v1.clean_up_service_pb2 import CleanUpWorkspacesResponse

from chassis import ids
from chassis.actor import Actor
from chassis.changes import Registry
from chassis.service import open_service
from chassis.settings import ServiceSettings
from services.workspace.saves import operations
from services.workspace.saves.domain import Cause
from services.workspace.saves.events import SAVE
from services.workspace.workspaces import queries
from services.workspace.workspaces.errors import WorkspaceBusy
from tests.support.checkouts import some_checkouts
from tests.support.git import Origin
from tests.support.people import Person
from tests.support.refusals import refused
from tests.support.saves import (
    age,
    ask,
    at_rest,
    clean_up,
    expect_restored,
    files_of,
    purged,
    restored,
    saves_of,
    settled,
    until_cleaned_up,
    vault_of,
    worked_in,
)
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(150)  # each waits for a save, a purge and a new workspace, on a busy machine
Save = save_pb2.Save


async def test_purge_workspace_that_was_deleted_in_use_leaves_its_save_until_that_expires(
    person: Person, tmp_path: Path
) -> None:
    """Nobody finds the workspace any more; the save has a time to go, and goes then, with all its bytes."""
    room, held = await worked_in(person, await some_checkouts(tmp_path))
    await person.create_session(room)
    await person.delete_room(room, force=True)
    assert (await settled(person, room)).cause == Save.DELETE
    await purged(person, room)
    assert (await refused(person.undelete_room(room))).reason == "WORKSPACE_NOT_FOUND"
    assert room.workspace_id not in {left.workspace_id for left in await person.list_rooms(show_deleted=True)}
    (save,) = await saves_of(person, room)
    assert 89 < (save.expire_time.seconds - save.create_time.seconds) / 86_400 < 91
    await expect_restored(person, save, held)
    await age(person, "saves", "expire_time", save.save_id)

    async def gone() -> bool:
        return not vault_of(person, room).exists()

    await until(gone)
    assert await saves_of(person, room) == []
    assert (await refused(ask(person, "GetSave", pb.GetSaveRequest(save_id=save.save_id)))).reason == "SAVE_NOT_FOUND"


@pytest.mark.thorough
async def test_clean_up_of_a_workspace_that_cannot_be_saved_waits_until_it_can(person: Person, tmp_path: Path) -> None:
    """The save says why; a dry run changes nothing; the others are cleaned up; it is when there is less of it."""
    (room, held), other = await worked_in(person, await some_checkouts(tmp_path)), await person.ready_room(name="other")
    large = files_of(person, room) / "sparse"
    with large.open("wb") as file:
        file.truncate(1 << 42)
    for each in (room, other):
        await person.archive_room(each)
    save = await settled(person, room)
    assert (save.state, save.cause) == (Save.FAILED, Save.ARCHIVE)
    assert save.state_reason == f"it holds more than {20 << 30} bytes, as counted up to sparse of {1 << 42}"
    restoring = ask(person, "RestoreSave", pb.RestoreSaveRequest(save_id=save.save_id))
    assert (await refused(restoring)).reason == "SAVE_NOT_COMPLETE"
    await at_rest(person, room)
    await at_rest(person, other)
    assert await clean_up(person) == CleanUpWorkspacesResponse(), "they changed a moment ago"
    await age(person, "workspaces", "update_time", room.workspace_id)
    outcome = await clean_up(person, dry_run=True)
    assert [failure.name for failure in outcome.failures] == [room.name]
    assert save.state_reason in outcome.failures[0].cause
    assert len(await saves_of(person, room)) == 1
    large.unlink()
    await age(person, "workspaces", "update_time", other.workspace_id)
    await until_cleaned_up(person, other)
    await until_cleaned_up(person, room)
    assert (await settled(person, room, 2)).cause == Save.CLEAN_UP
    await purged(person, room)
    await expect_restored(person, (await saves_of(person, room))[0], held)


def _nest(folder: Path, depth: int) -> None:
    """Make folders within each other, with paths longer than a call takes."""
    folder.mkdir()
    nest = f"for i in $(seq {depth}); do mkdir d; cd d; done"
    subprocess.run(["/bin/sh", "-c", nest], cwd=folder, check=True)


async def test_workspace_whose_folders_are_too_deep_to_save_says_so_until_it_is_saved(person: Person) -> None:
    """On the workspace, deleted or not, and in what a clean-up would do; not in the log alone."""
    room = await person.ready_room()
    deep = files_of(person, room) / "deep"
    _nest(deep, 401)
    await person.archive_room(room)
    save = await settled(person, room)
    reason = "folders are nested more than 400 deep"
    assert (save.state, save.state_reason) == (Save.FAILED, reason)
    await at_rest(person, room)
    assert (await person.settled(room)).unsaved_reason == reason
    await age(person, "workspaces", "update_time", room.workspace_id)
    (failure,) = (await clean_up(person, dry_run=True)).failures
    assert reason in failure.cause
    shutil.rmtree(deep)
    await until_cleaned_up(person, room)
    assert (await person.settled(room)).unsaved_reason == ""


async def test_create_save_of_an_active_workspace_disturbs_nobody(person: Person, origin: Origin) -> None:
    """The session goes on, and what is done afterwards is in the next save only. A request that is repeated is one."""
    room = await person.ready_room(name="api", repository_url=origin.url)
    (files_of(person, room) / "before").touch()
    session = await person.create_session(room)
    request = pb.CreateSaveRequest(workspace_id=room.workspace_id, request_id=str(ids.new()))
    asked = [await ask(person, "CreateSave", request) for _ in range(2)]
    assert asked[0].save_id == asked[1].save_id
    save = await settled(person, room)
    assert (save.cause, save.untracked, save.unpushed_commits) == (Save.ON_DEMAND, 1, 0)
    (files_of(person, room) / "later").touch()
    assert (await person.session(session.session_id)).state == session.state
    restoring = pb.RestoreSaveRequest(save_id=save.save_id)
    assert (await refused(ask(person, "RestoreSave", restoring))).reason == "WORKSPACE_NAME_TAKEN"
    await person.update_room(room, name="renamed")
    again = await restored(person, save)
    assert (again.name, again.repository_url) == ("api", origin.url)
    assert "later" not in {path.name for path in files_of(person, again).iterdir()}
    await _expect_replaced(person, room, save)
    deleted = await ask(person, "DeleteSave", pb.DeleteSaveRequest(save_id=save.save_id, etag=save.etag))
    assert deleted.state == Save.DELETED
    assert [left.cause for left in await saves_of(person, room)] == [Save.ARCHIVE] * 2


async def _expect_replaced(person: Person, room: workspace_pb2.Workspace, save: save_pb2.Save) -> None:
    """Restore a save twice into a workspace that is put away each time, and saved for that."""
    restoring = pb.RestoreSaveRequest(save_id=save.save_id, workspace_id=room.workspace_id)
    assert (await refused(ask(person, "RestoreSave", restoring))).reason == "WORKSPACE_NOT_ARCHIVED"
    for count in (1, 2):
        await person.archive_room(room, force=True)
        await settled(person, room, 1 + count)
        await at_rest(person, room)
        ready = await person.settled(await ask(person, "RestoreSave", restoring))
        assert (ready.state, ready.save_id) == (workspace_pb2.Workspace.ACTIVE, save.save_id), ready.state_reason
        assert {path.name for path in files_of(person, room).iterdir()} == {".git", "README.md", "before"}
        (files_of(person, room) / f"later{count}").touch()


async def test_create_save_of_a_workspace_that_never_was_ready_is_refused(person: Person, origin: Origin) -> None:
    """It has no directory."""
    room = await person.settled(await person.create_room(repository_url=f"{origin.url}/nothing"))
    refusal = await refused(ask(person, "CreateSave", pb.CreateSaveRequest(workspace_id=room.workspace_id)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WORKSPACE_NOT_ACTIVE")


async def test_ensure_save_of_a_workspace_that_changed_meanwhile_is_refused(person: Person) -> None:
    """Somebody may work in it again, and a save of that would pass for the last."""
    room = await person.ready_room()
    async with AsyncExitStack() as stack:
        settings = ServiceSettings(**person.product.installation.settings("workspace"))
        service = await open_service("workspace", settings, Registry(SAVE), stack)
        actor = Actor(account_id=ids.parse(person.user_id), subject=person.user_id)
        workspace_id = ids.parse(room.workspace_id)
        read = await service.database.read(actor, queries.get_workspace, workspace_id=workspace_id)
        await person.update_room(room, description="changed")
        with pytest.raises(WorkspaceBusy):
            await service.database.write(actor, operations.ensure_save, workspace=read, cause=Cause.CLEAN_UP)
    assert await saves_of(person, room) == []
