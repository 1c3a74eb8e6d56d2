"""Rooms that are put away and brought back: what runs ends, what was saved or not stays."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest
from stateroom.event.v1.change_pb2 import ChangeHeader
from stateroom.session.v1 import session_pb2
from stateroom.workspace.v1 import workspace_pb2 as pb

from chassis import ids
from chassis.actor import Actor
from chassis.changes import Registry
from chassis.service import open_service
from chassis.settings import ServiceSettings
from services.workspace.workspaces import events, operations
from services.workspace.workspaces.errors import WorkspaceBusy
from tests.support import waiting
from tests.support.git import Origin
from tests.support.people import Person, newcomer
from tests.support.product import Product
from tests.support.refusals import refused
from tests.support.saves import at_rest
from tests.support.source import query

ACTIVE, ARCHIVED, DELETED = pb.Workspace.ACTIVE, pb.Workspace.ARCHIVED, pb.Workspace.DELETED
STOPPED, BY_ARCHIVING = session_pb2.Session.STOPPED, session_pb2.Session.WORKSPACE_ARCHIVED


async def _ready(person: Person, **values: str) -> pb.Workspace:
    room = await person.settled(await person.create_room(**values))
    assert room.state == ACTIVE, room.state_reason
    return room


def _files(person: Person, room: pb.Workspace) -> Path:
    return person.product.folder / "data" / "rooms" / room.workspace_id / "files"


async def _no_runner(person: Person, room: pb.Workspace) -> None:
    async def gone() -> bool:
        return person.product.runner_of(room.workspace_id) is None

    await waiting.until(gone)


async def _changes(person: Person, room: pb.Workspace) -> list[str]:
    """Return what was recorded of a workspace, in order."""
    rows = await query(
        person.product.installation.url("workspace_system"),
        "SELECT header FROM (SELECT 0 AS late, position, header FROM changes WHERE account_id = $1"
        " UNION ALL SELECT 1, id, header FROM outbox WHERE account_id = $1) AS recorded ORDER BY late, position",
        person.user_id,
    )
    headers = [ChangeHeader.FromString(row["header"]) for row in rows]
    return [header.type for header in headers if header.entity_id == room.workspace_id]


async def test_archive_workspace_stops_its_runner_and_keeps_what_nobody_saved(person: Person, origin: Origin) -> None:
    """Work that was never committed is there when the room is active again, and so is a runner."""
    room = await _ready(person, repository_url=origin.url)
    (_files(person, room) / "unsaved").write_text("work")
    archived = await person.archive_room(room, etag=room.etag)
    assert (archived.state, archived.HasField("archive_time")) == (ARCHIVED, True)
    await _no_runner(person, room)
    active = await person.unarchive_room(archived, etag=archived.etag)
    assert (active.state, active.HasField("archive_time")) == (ACTIVE, False)
    assert (_files(person, room) / "unsaved").read_text() == "work"
    assert (await person.runner(active)).runner_id
    assert await _changes(person, room) == ["created", "activated", "archived", "unarchived"]


@pytest.mark.parametrize("how", ["archive_room", "delete_room"])
async def test_put_workspace_away_with_a_session_running_is_refused(person: Person, how: str) -> None:
    """Whoever is at work is named, and goes on working."""
    room = await _ready(person)
    session = await person.create_session(room)
    refusal = await refused(getattr(person, how)(room))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WORKSPACE_IN_USE")
    assert refusal.values == {"workspaceId": room.workspace_id, "count": "1", "sessionIds": session.session_id}
    assert (await person.session(session.session_id)).state == session_pb2.Session.ACTIVE
    assert await _changes(person, room) == ["created", "activated"]


async def test_archive_workspace_by_force_ends_its_sessions_because_of_that(person: Person) -> None:
    """Each session says why it ended, with its whole log, and no other can begin."""
    room = await _ready(person)
    session = await person.create_session(room)
    assert (await person.archive_room(room, force=True)).state == ARCHIVED
    refusal = await refused(person.create_session(room))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WORKSPACE_ARCHIVED")
    assert refusal.message == f"Workspace {room.workspace_id} is archived; unarchive it to work in it."
    # Waits until what ran has ended, so that nothing that begins now ends with it.
    assert (await person.unarchive_room(room)).state == ACTIVE
    ended = await person.session(session.session_id)
    assert (ended.state, ended.stop_reason, ended.log_complete) == (STOPPED, BY_ARCHIVING, True)
    assert (await person.create_session(room)).state == session_pb2.Session.ACTIVE


async def test_put_workspace_away_or_bring_it_back_in_a_wrong_state_names_the_state(person: Person) -> None:
    """Each refusal has its own reason, and nothing is recorded for it."""
    room = await _ready(person)
    wrong = [
        (person.unarchive_room, "FAILED_PRECONDITION", "WORKSPACE_NOT_ARCHIVED", "ACTIVE"),
        (person.undelete_room, "ALREADY_EXISTS", "WORKSPACE_NOT_DELETED", "ACTIVE"),
    ]
    for call, code, reason, state in wrong:
        refusal = await refused(call(room))
        assert (refusal.code.name, refusal.reason) == (code, reason)
        assert refusal.values == {"workspaceId": room.workspace_id, "state": state}
    await person.archive_room(room)
    assert (await refused(person.archive_room(room))).values["state"] == "ARCHIVED"
    await person.delete_room(room)
    for refusal in (await refused(person.archive_room(room)), await refused(person.unarchive_room(room))):
        assert refusal.values["state"] == "DELETED"
    assert await _changes(person, room) == ["created", "activated", "archived", "deleted"]


async def test_archive_workspace_with_a_stale_etag_is_aborted(person: Person) -> None:
    """Nobody puts away a version that he has not seen."""
    room = await person.create_room()
    await person.settled(room)
    refusal = await refused(person.archive_room(room, etag=room.etag))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_archive_workspace_twice_with_one_request_id_archives_once(person: Person) -> None:
    """The repetition is answered with the room as it is, although it can be archived no more."""
    room, request_id = await _ready(person), str(ids.new())
    first = await person.archive_room(room, request_id=request_id)
    assert await person.archive_room(room, request_id=request_id) == first
    assert (await _changes(person, room)).count("archived") == 1


async def test_archive_workspace_by_two_at_once_lets_one_win(person: Person) -> None:
    """The other is told that it is not active."""
    room = await _ready(person)
    answers = await asyncio.gather(*(person.archive_room(room) for _ in range(2)), return_exceptions=True)
    assert sum(isinstance(answer, pb.Workspace) for answer in answers) == 1
    assert (await _changes(person, room)).count("archived") == 1


async def test_unarchive_workspace_beyond_the_limit_is_refused(product: Product) -> None:
    """An archived room does not count, so it can come back only when there is a place."""
    await product.start("workspace", workspace_limit=1)
    async with newcomer(product) as person:
        room = await _ready(person)
        await person.archive_room(room)
        second = await _ready(person)
        refusal = await refused(person.unarchive_room(room))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "WORKSPACE_LIMIT_REACHED")
        await person.delete_room(second)
        assert (await person.unarchive_room(room)).state == ACTIVE


async def test_unarchive_workspace_that_is_still_being_put_away_changes_nothing(person: Person) -> None:
    """What begins now would end with what ran before; the caller is told to try again."""
    room = await _ready(person)
    await person.archive_room(room)
    await at_rest(person, room)
    installation = person.product.installation
    await query(
        installation.url("workspace_system"),
        "UPDATE workspaces SET reconcile_time = 'infinity' WHERE workspace_id = $1 RETURNING 1",
        room.workspace_id,
    )
    async with AsyncExitStack() as stack:
        settings = ServiceSettings(**installation.settings("workspace"))
        service = await open_service("workspace", settings, Registry(events.WORKSPACE), stack)
        actor = Actor(account_id=ids.parse(person.user_id), subject=person.user_id)
        identity = ids.parse(room.workspace_id)
        with pytest.raises(WorkspaceBusy, match="try again"):
            await service.database.write(
                actor, operations.unarchive_workspace, workspace_id=identity, etag="", limit=1000
            )
    assert (await _changes(person, room))[-1] == "archived"


async def test_undelete_workspace_brings_its_files_back_archived(person: Person, origin: Origin) -> None:
    """What was deleted by mistake is only put away; its name may be another's by then."""
    room = await _ready(person, name="api", repository_url=origin.url)
    await person.delete_room(room)
    usurper = await _ready(person, name="api")
    refusal = await refused(person.undelete_room(room))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "WORKSPACE_NAME_TAKEN")
    await person.update_room(usurper, name="other")
    back = await person.undelete_room(room)
    assert (back.state, back.HasField("delete_time"), back.branch) == (ARCHIVED, False, "main")
    assert (await person.unarchive_room(back)).state == ACTIVE
    assert (_files(person, room) / "README.md").read_text() == "hello\n"
    assert (await _changes(person, room))[-3:] == ["deleted", "undeleted", "unarchived"]


async def test_undelete_workspace_that_was_broken_makes_it_anew(person: Person, origin: Origin) -> None:
    """Whoever mended the repository needs no other room."""
    room = await person.settled(await person.create_room(repository_url=origin.url, branch="late"))
    assert room.state == pb.Workspace.ERROR
    await origin.branch("late")
    await person.delete_room(room)
    again = await person.undelete_room(room)
    assert (again.state, again.state_reason) == (pb.Workspace.CREATING, "")
    ready = await person.settled(again)
    assert (ready.state, ready.branch) == (ACTIVE, "late")
