"""Changing what a room is called and what is said about it."""

import asyncio
from typing import Any

import grpc
import pytest
from stateroom.workspace.v1 import workspace_pb2 as pb
from stateroom.workspace.v1 import workspace_service_pb2 as service

from chassis import ids
from tests.support.people import Person, newcomer
from tests.support.refusals import refused


async def test_update_workspace_sets_what_its_mask_names(person: Person) -> None:
    """Other fields keep their values, whatever is sent for them."""
    room = await person.create_room("old", description="before")
    renamed = await person.update_room(room, "name", name="new", description="after", metadata={"a": "b"})
    assert (renamed.name, renamed.description, dict(renamed.metadata)) == ("new", "before", {})
    cleared = await person.update_room(room, "description", "metadata", metadata={"team": "core", "tier": "1"})
    assert (cleared.name, cleared.description) == ("new", "")
    assert dict(cleared.metadata) == {"team": "core", "tier": "1"}
    everything = await person.update_room(room, "*", name="new")
    assert (everything.description, dict(everything.metadata)) == ("", {})


async def test_update_workspace_without_a_mask_sets_what_has_a_value(person: Person) -> None:
    """A workspace may be sent back as it was read, with one thing changed."""
    read = await person.settled(await person.create_room("old", description="before"))
    request = service.UpdateWorkspaceRequest(workspace_id=read.workspace_id, workspace=read, etag=read.etag)
    request.workspace.description = "after"
    updated = await person.rooms.UpdateWorkspace(request, metadata=person.metadata)
    assert (updated.name, updated.description, updated.state) == ("old", "after", pb.Workspace.ACTIVE)
    assert updated.etag != read.etag


async def test_update_workspace_with_what_it_has_makes_no_new_version(person: Person) -> None:
    """Nothing changed, so nobody else's etag goes stale."""
    room = await person.settled(await person.create_room("same", metadata={"a": "b"}))
    assert await person.update_room(room, name="same", metadata={"a": "b"}, etag=room.etag) == room


async def test_update_workspace_while_it_is_created_does_not_disturb_that(person: Person) -> None:
    """A room is renamed while its runner starts, and is ready in the end."""
    room = await person.create_room()
    await person.update_room(room, name="renamed")
    ready = await person.settled(room)
    assert (ready.name, ready.state) == ("renamed", pb.Workspace.ACTIVE)


@pytest.mark.parametrize(("etag", "reason"), [("", "ETAG_REQUIRED"), ('"99"', "ETAG_MISMATCH")])
async def test_update_workspace_without_the_right_etag_is_refused(person: Person, etag: str, reason: str) -> None:
    """Nobody overwrites what he has not seen, unless he says `*`."""
    room = await person.create_room("old")
    assert (await refused(person.update_room(room, name="new", etag=etag))).reason == reason
    assert (await person.update_room(room, name="new", etag="*")).name == "new"


async def test_update_workspace_to_a_taken_name_is_refused(person: Person) -> None:
    """Names stay unique in an account; another account's do not matter."""
    room = await person.create_room("one")
    await person.create_room("two")
    refusal = await refused(person.update_room(room, name="two"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "WORKSPACE_NAME_TAKEN")
    async with newcomer(person.product) as other:
        assert (await other.update_room(await other.create_room("three"), name="two")).name == "two"


@pytest.mark.parametrize(
    ("paths", "values", "field"),
    [
        (["name"], {}, "workspace.name"),
        (["*"], {"description": "x"}, "workspace.name"),
        (["branch"], {"branch": "other"}, "workspace.branch"),
        ([], {"repository_url": "https://example.com/a/b"}, "workspace.repository_url"),
        (["nme"], {"name": "new"}, "update_mask"),
        ([], {"metadata": {"a b": ""}}, 'workspace.metadata["a b"]'),
    ],
)
async def test_update_workspace_to_what_it_cannot_be_names_the_field(
    person: Person, paths: list[str], values: dict[str, Any], field: str
) -> None:
    """A room has a name, stays on what it was cloned from, and a mistyped mask is no silent success."""
    room = await person.create_room("kept")
    refusal = await refused(person.update_room(room, *paths, **values))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert refusal.fields == (field,)


async def test_update_workspace_that_is_deleted_is_not_found(person: Person) -> None:
    """It can be brought back, not changed."""
    room = await person.create_room()
    await person.delete_room(room)
    assert (await refused(person.update_room(room, name="new"))).reason == "WORKSPACE_NOT_FOUND"


async def test_update_workspace_by_two_from_one_version_lets_one_win(person: Person) -> None:
    """No update is lost: the other is told to read again."""
    room = await person.settled(await person.create_room())
    changes = (person.update_room(room, description=text, etag=room.etag) for text in ("one", "two"))
    answers = await asyncio.gather(*changes, return_exceptions=True)
    assert sum(isinstance(answer, pb.Workspace) for answer in answers) == 1


async def test_update_workspace_twice_with_one_request_id_updates_once(person: Person) -> None:
    """The repetition is answered although its etag is stale by now."""
    room = await person.settled(await person.create_room())
    request_id = str(ids.new())
    first = await person.update_room(room, description="once", etag=room.etag, request_id=request_id)
    assert await person.update_room(room, description="once", etag=room.etag, request_id=request_id) == first
