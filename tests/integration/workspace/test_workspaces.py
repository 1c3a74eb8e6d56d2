"""Rooms from creation to deletion, with real runners and real git."""

import asyncio
from pathlib import Path

import grpc
from stateroom.workspace.v1 import workspace_pb2
from stateroom.workspace.v1 import workspace_service_pb2 as pb

from chassis import ids
from tests.support import waiting
from tests.support.git import Origin
from tests.support.people import Person, newcomer
from tests.support.product import Product
from tests.support.refusals import refused
from tests.support.source import query

ACTIVE, ERROR, DELETED = workspace_pb2.Workspace.ACTIVE, workspace_pb2.Workspace.ERROR, workspace_pb2.Workspace.DELETED


def _files(person: Person, room: workspace_pb2.Workspace) -> Path:
    return person.product.folder / "data" / "rooms" / room.workspace_id / "files"


async def _changes(person: Person, room: workspace_pb2.Workspace) -> int:
    """Return how many changes of a workspace were recorded."""
    rows = await query(
        person.product.installation.url("workspace_system"),
        "SELECT header FROM changes WHERE account_id = $1 UNION ALL SELECT header FROM outbox WHERE account_id = $1",
        person.user_id,
    )
    return sum(room.workspace_id.encode() in row["header"] for row in rows)


async def test_create_workspace_from_a_repository_ends_active_with_its_files(person: Person, origin: Origin) -> None:
    """The room holds the default branch, and says which one that is."""
    room = await person.create_room(repository_url=origin.url)
    assert room.state == workspace_pb2.Workspace.CREATING
    ready = await person.settled(room)
    assert (ready.state, ready.branch, ready.state_reason) == (ACTIVE, "main", "")
    assert ready.sandbox in {"bwrap", "namespaces", "process"}
    assert not ready.HasField("progress")
    assert (_files(person, room) / "README.md").read_text() == "hello\n"


async def test_create_workspace_from_a_branch_ends_active_with_its_files(person: Person, origin: Origin) -> None:
    """A branch that is asked for is the one that is checked out."""
    ready = await person.settled(await person.create_room(repository_url=origin.url, branch="other"))
    assert (ready.state, ready.branch) == (ACTIVE, "other")
    assert (_files(person, ready) / "other.txt").exists()


async def test_create_workspace_of_a_missing_branch_ends_in_error_with_a_reason(person: Person, origin: Origin) -> None:
    """Whoever asked for a branch that is not there reads so, and may use the name again after deleting."""
    broken = await person.settled(await person.create_room("one", repository_url=origin.url, branch="nowhere"))
    assert broken.state == ERROR
    assert "nowhere" in broken.state_reason
    await person.delete_room(broken)
    assert (await person.settled(await person.create_room("one"))).state == ACTIVE


async def test_create_workspace_of_a_missing_repository_ends_in_error_with_a_reason(person: Person) -> None:
    """A path without a repository breaks the room, not the service, and leaves no runner behind."""
    broken = await person.settled(await person.create_room(repository_url="/nonexistent/repository"))
    assert broken.state == ERROR
    assert broken.state_reason

    async def no_runner() -> bool:
        return person.product.runner_of(broken.workspace_id) is None

    await waiting.until(no_runner)


async def test_create_workspace_without_a_repository_ends_active(person: Person) -> None:
    """An empty room is a room."""
    ready = await person.settled(await person.create_room())
    assert (ready.state, ready.branch) == (ACTIVE, "main")


async def test_create_workspace_with_a_taken_name_is_refused(person: Person) -> None:
    """Names are unique in an account, and in no wider circle."""
    await person.create_room("same")
    refusal = await refused(person.create_room("same"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "WORKSPACE_NAME_TAKEN")
    assert refusal.values == {"name": "same"}
    async with newcomer(person.product) as other:
        assert (await other.create_room("same")).name == "same"


async def test_create_workspace_with_a_refused_url_leaves_nothing(person: Person) -> None:
    """A refusal comes before anything is stored."""
    refusal = await refused(person.create_room(repository_url="ext::sh -c id".replace(" ", "%20")))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REPOSITORY_URL_NOT_ALLOWED")
    assert await person.list_rooms(show_deleted=True) == []


async def test_create_workspace_by_twelve_at_once_stops_at_the_limit(product: Product) -> None:
    """Rivals cannot overrun the limit together, and a deleted room makes place for one more."""
    await product.start("workspace", workspace_limit=5)
    async with newcomer(product) as person:
        answers = await asyncio.gather(*(person.create_room() for _ in range(12)), return_exceptions=True)
        made = [answer for answer in answers if isinstance(answer, workspace_pb2.Workspace)]
        assert len(made) == 5
        assert len(await person.list_rooms()) == 5
        refusal = await refused(person.create_room())
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "WORKSPACE_LIMIT_REACHED")
        assert refusal.values == {"limit": "5"}
        await person.delete_room(made[0])
        await person.create_room()


async def test_delete_workspace_stops_its_runner_and_keeps_its_files(person: Person, origin: Origin) -> None:
    """Nothing unsaved is lost, and nothing runs on."""
    room = await person.settled(await person.create_room(repository_url=origin.url))
    before = set(person.product.runners())
    deleted = await person.delete_room(room, etag=room.etag)
    assert deleted.state == DELETED
    assert deleted.HasField("delete_time")

    async def gone() -> bool:
        return len(before - set(person.product.runners())) == 1

    await waiting.until(gone)
    assert (_files(person, room) / "README.md").read_text() == "hello\n"
    assert await person.list_rooms() == []
    assert [shown.workspace_id for shown in await person.list_rooms(show_deleted=True)] == [room.workspace_id]


async def test_delete_workspace_twice_is_not_found(person: Person) -> None:
    """What is deleted can still be read, but not deleted again."""
    room = await person.create_room()
    await person.delete_room(room)
    refusal = await refused(person.delete_room(room))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "WORKSPACE_NOT_FOUND")
    request = pb.GetWorkspaceRequest(workspace_id=room.workspace_id)
    assert (await person.rooms.GetWorkspace(request, metadata=person.metadata)).state == DELETED


async def test_delete_workspace_with_a_stale_etag_is_aborted(person: Person) -> None:
    """Nobody deletes a version that he has not seen."""
    room = await person.create_room()
    ready = await person.settled(room)
    assert ready.etag != room.etag
    refusal = await refused(person.delete_room(room, etag=room.etag))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert (await person.delete_room(room, etag=ready.etag)).state == DELETED


async def test_delete_workspace_by_two_from_one_version_lets_one_win(person: Person) -> None:
    """Of two who decide on the same version, one is told."""
    ready = await person.settled(await person.create_room())
    answers = await asyncio.gather(
        *(person.delete_room(ready, etag=ready.etag) for _ in range(2)), return_exceptions=True
    )
    assert sum(isinstance(answer, workspace_pb2.Workspace) for answer in answers) == 1


async def test_delete_workspace_while_it_is_created_leaves_no_runner(person: Person, origin: Origin) -> None:
    """A room deleted at any moment of its making ends without a runner."""
    for delay in (0, 0, 1, 2):
        room = await person.create_room(repository_url=origin.url)
        if delay:
            await _runner_announced(person, room, ready=delay > 1)
        assert (await person.delete_room(room)).state == DELETED
    settled = "SELECT count(*) FROM workspaces WHERE account_id = $1 AND reconcile_time IS NOT NULL"

    rooms = await person.list_rooms(show_deleted=True)

    async def at_rest() -> bool:
        rows = await query(person.product.installation.url("workspace_system"), settled, person.user_id)
        return rows[0][0] == 0 and not any(person.product.runner_of(room.workspace_id) for room in rooms)

    await waiting.until(at_rest)


async def _runner_announced(person: Person, room: workspace_pb2.Workspace, *, ready: bool) -> None:
    async def announced() -> bool:
        return bool(person.product.runner_of(room.workspace_id))

    await (person.settled(room) if ready else waiting.until(announced))


async def test_create_workspace_twice_with_one_request_id_makes_one(person: Person) -> None:
    """A repeated call answers with what the first one made, as it is now, and records nothing again."""
    request_id = str(ids.new())
    first = await person.create_room("once", request_id=request_id)
    ready = await person.settled(first)
    changes = await _changes(person, first)
    second = await person.create_room("once", request_id=request_id)
    assert second == ready
    assert len(await person.list_rooms()) == 1
    assert await _changes(person, first) == changes == 2


async def test_create_workspace_by_two_at_once_with_one_request_id_makes_one(person: Person) -> None:
    """Both callers get the same room."""
    request_id = str(ids.new())
    answers = await asyncio.gather(*(person.create_room("once", request_id=request_id) for _ in range(4)))
    assert {answer.workspace_id for answer in answers} == {answers[0].workspace_id}
    assert len(await person.list_rooms()) == 1


async def test_create_workspace_with_the_request_id_of_another_request_is_refused(person: Person) -> None:
    """A request id belongs to one request; an error does not use it up."""
    request_id = str(ids.new())
    await person.create_room("taken")
    await refused(person.create_room("taken", request_id=request_id))
    room = await person.create_room("free", request_id=request_id)
    for call in (person.create_room("other", request_id=request_id), person.delete_room(room, request_id=request_id)):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
        assert refusal.values == {"requestId": request_id}


async def test_list_workspaces_pages_through_all_of_them_newest_first(person: Person) -> None:
    """Pages join without a gap, and a token fits no other list."""
    names = [(await person.create_room(f"r{number}")).name for number in range(5)]
    seen, token = [], ""
    for _ in range(3):
        request = pb.ListWorkspacesRequest(page_size=2, page_token=token)
        page = await person.rooms.ListWorkspaces(request, metadata=person.metadata)
        seen += [room.name for room in page.workspaces]
        token = page.next_page_token
    assert (seen, token) == (names[::-1], "")
    first = await person.rooms.ListWorkspaces(pb.ListWorkspacesRequest(page_size=2), metadata=person.metadata)
    for request in (
        pb.ListWorkspacesRequest(page_token=first.next_page_token, name="r1"),
        pb.ListWorkspacesRequest(page_token=f"{first.next_page_token[:-3]}abc"),
    ):
        refusal = await refused(person.rooms.ListWorkspaces(request, metadata=person.metadata))
        assert refusal.reason == "INVALID_PAGE_TOKEN"
