"""What git says about a room, through the API."""

import grpc
import pytest
from stateroom.git.v1.git_status_pb2 import File, GitStatus
from stateroom.workspace.v1 import git_service_pb2
from stateroom.workspace.v1.git_service_pb2_grpc import GitServiceStub

from tests.support.git import Origin
from tests.support.people import Person
from tests.support.refusals import refused
from tests.support.waiting import PATIENCE


async def _status(person: Person, workspace_id: str) -> GitStatus:
    request = git_service_pb2.GetGitStatusRequest(workspace_id=workspace_id)
    return await GitServiceStub(person.channel).GetGitStatus(request, metadata=person.metadata, timeout=PATIENCE)


async def test_get_git_status_tells_what_was_done_in_the_room(person: Person, origin: Origin) -> None:
    """Branch, upstream, the last commit and what is not committed, also after the runner was replaced."""
    room = await person.settled(await person.create_room(repository_url=origin.url))
    (person.product.folder / "data" / "rooms" / room.workspace_id / "files" / "README.md").write_text("changed")
    status = await _status(person, room.workspace_id)
    assert (status.branch, status.upstream, status.ahead, status.behind) == ("main", "origin/main", 0, 0)
    assert status.last_commit.subject == "README.md"
    assert list(status.modified.files) == [File(path="README.md", change=File.MODIFIED)]


async def test_get_git_status_of_an_archived_room_says_to_unarchive_it(person: Person) -> None:
    """No runner is started to look at a room that is put away."""
    room = await person.settled(await person.create_room())
    await person.archive_room(room)
    refusal = await refused(_status(person, room.workspace_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WORKSPACE_ARCHIVED")


@pytest.mark.parametrize("broken", ["config", "HEAD"])
async def test_get_git_status_of_a_broken_repository_is_refused_with_the_complaint(person: Person, broken: str) -> None:
    """What somebody did to their own repository is no fault of the server."""
    room = await person.settled(await person.create_room())
    folder = person.product.folder / "data" / "rooms" / room.workspace_id / "files" / ".git"
    (folder / broken).write_text("[broken")
    refusal = await refused(_status(person, room.workspace_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "GIT_FAILED")
    assert refusal.values["cause"]
