"""Saves as tests ask for them, and time that passes at once."""

import shutil
from pathlib import Path
from typing import Any

from stateroom.workspace.v1 import clean_up_service_pb2, save_pb2, workspace_pb2
from stateroom.workspace.v1 import save_service_pb2 as pb
from stateroom.workspace.v1.clean_up_service_pb2_grpc import CleanUpServiceStub
from stateroom.workspace.v1.save_service_pb2_grpc import SaveServiceStub

from chassis import ids
from tests.support.checkouts import contents
from tests.support.people import Person
from tests.support.source import query
from tests.support.waiting import PATIENCE, until

Held = dict[str, tuple[int, bytes]]
"""What a directory holds, by path."""
LONG_AGO = "now() - interval '400 days'"


async def ask(person: Person, name: str, request: Any) -> Any:
    """Make a call of SaveService."""
    return await getattr(SaveServiceStub(person.channel), name)(
        request, metadata=person.metadata, wait_for_ready=True, timeout=20
    )


async def saves_of(person: Person, room: workspace_pb2.Workspace) -> list[save_pb2.Save]:
    """Return the saves of a workspace, the newest first."""
    listed = await ask(person, "ListSaves", pb.ListSavesRequest(workspace_id=room.workspace_id))
    return list(listed.saves)


async def settled(person: Person, room: workspace_pb2.Workspace, count: int = 1) -> save_pb2.Save:
    """Return the newest of so many saves of a workspace once it is complete or has failed."""
    seen: list[save_pb2.Save] = []

    async def taken() -> bool:
        seen[:] = await saves_of(person, room)
        return len(seen) == count and seen[0].state != save_pb2.Save.SAVING

    await until(taken)
    return seen[0]


async def restored(person: Person, save: save_pb2.Save, name: str = "") -> workspace_pb2.Workspace:
    """Return a new workspace made of a save."""
    made = await ask(person, "RestoreSave", pb.RestoreSaveRequest(save_id=save.save_id, name=name))
    return await person.settled(made)


async def clean_up(person: Person, *, dry_run: bool = False) -> clean_up_service_pb2.CleanUpWorkspacesResponse:
    """Clean up the person's account."""
    request = clean_up_service_pb2.CleanUpWorkspacesRequest(dry_run=dry_run)
    stub = CleanUpServiceStub(person.channel)
    return await stub.CleanUpWorkspaces(request, metadata=person.metadata, timeout=PATIENCE)


async def at_rest(person: Person, room: workspace_pb2.Workspace) -> None:
    """Wait until a workspace was put away entirely."""

    async def rests() -> bool:
        statement = "SELECT 1 FROM workspaces WHERE workspace_id = $1 AND reconcile_time IS NULL"
        return bool(await query(person.product.installation.url("workspace_system"), statement, room.workspace_id))

    await until(rests)


async def age(person: Person, table: str, column: str, id_: str) -> None:
    """Let what a column says have happened long ago."""
    await query(
        person.product.installation.url("workspace_system"),
        f"UPDATE {table} SET {column} = {LONG_AGO} WHERE {table.removesuffix('s')}_id = $1 RETURNING 1",  # noqa: S608  # names of our own
        id_,
    )


async def purged(person: Person, room: workspace_pb2.Workspace) -> None:
    """Let the time pass after which a deleted workspace is purged, and wait until nothing is left of it."""
    await at_rest(person, room)
    await age(person, "workspaces", "delete_time", room.workspace_id)

    async def gone() -> bool:
        return not room_of(person, room).exists()

    await until(gone)


def room_of(person: Person, room: workspace_pb2.Workspace) -> Path:
    """Return the folder of a workspace."""
    return person.product.folder / "data" / "rooms" / room.workspace_id


def files_of(person: Person, room: workspace_pb2.Workspace) -> Path:
    """Return the directory of a workspace."""
    return room_of(person, room) / "files"


def vault_of(person: Person, room: workspace_pb2.Workspace) -> Path:
    """Return the bare repository that keeps a workspace's saves."""
    return person.product.folder / "data" / "saves" / f"{room.workspace_id}.git"


async def worked_in(person: Person, folder: Path) -> tuple[workspace_pb2.Workspace, Held]:
    """Return a workspace with a copy of a folder in it, and all that it holds."""
    room = await person.ready_room()
    shutil.copytree(folder, files_of(person, room) / "states", symlinks=True)
    return room, contents(files_of(person, room))


async def expect_restored(person: Person, save: save_pb2.Save, held: Held) -> None:
    """Restore a save and compare it with what was in the workspace."""
    again = await restored(person, save, name=f"again-{ids.new().hex}")
    assert (again.state, again.save_id, again.branch) == (workspace_pb2.Workspace.ACTIVE, save.save_id, "main"), (
        again.state_reason
    )
    assert contents(files_of(person, again)) == held


async def until_cleaned_up(person: Person, room: workspace_pb2.Workspace) -> None:
    """Clean up until a workspace that was archived long ago is deleted."""

    async def deleted() -> bool:  # by hand here, or by the schedule
        await clean_up(person)
        return room.workspace_id not in {left.workspace_id for left in await person.list_rooms()}

    await until(deleted)
