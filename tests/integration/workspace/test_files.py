"""What calls do to files, and what the record says of it."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from stateroom.api.v1.content_pb2 import ContentInfo
from stateroom.event.v1.change_pb2 import ChangeHeader, ChangePayload
from stateroom.workspace.v1 import workspace_pb2
from stateroom.workspace.v1.file_operation_pb2 import FileOperation
from stateroom.workspace.v1.file_requests_pb2 import (
    CopyFileRequest,
    DeleteFileRequest,
    MakeDirectoryRequest,
    MoveFileRequest,
    ReadFileRequest,
    WatchFilesRequest,
    WriteFileRequest,
)
from stateroom.workspace.v1.file_service_pb2_grpc import FileServiceStub

from chassis import ids
from tests.support.people import Person
from tests.support.refusals import refused
from tests.support.source import query
from tests.support.waiting import PATIENCE, until


class Files:
    """The files of somebody's room."""

    def __init__(self, person: Person, room: workspace_pb2.Workspace) -> None:
        self.person = person
        self.workspace_id = room.workspace_id
        self.stub: Any = FileServiceStub(person.channel)

    def options(self) -> dict[str, Any]:
        """Return what goes with each call."""
        return {"metadata": self.person.metadata, "timeout": PATIENCE}

    async def write(self, path: str, *parts: bytes, request_id: str = "") -> Any:
        """Write a file."""
        named: dict[str, Any] = {"workspace_id": self.workspace_id, "path": path}

        async def sent() -> AsyncIterator[WriteFileRequest]:
            yield WriteFileRequest(**named, request_id=request_id)
            for part in parts:
                yield WriteFileRequest(**named, content=HttpBody(data=part))

        return await self.stub.WriteFile(sent(), **self.options())

    async def call(self, method: str, request: Any) -> Any:
        """Make a unary call."""
        request.workspace_id = self.workspace_id
        return await getattr(self.stub, method)(request, **self.options())

    async def recorded(self) -> list[tuple[str, FileOperation]]:
        """Return what happened to the room's files, in order, once it is numbered."""
        url = self.person.product.installation.url("workspace_system")

        async def numbered() -> bool:
            return not await query(url, "SELECT FROM outbox")

        await until(numbered)
        rows = await query(
            url, "SELECT header, payload FROM changes WHERE account_id = $1 ORDER BY position", self.person.user_id
        )
        found = []
        for row in rows:
            header, operation = ChangeHeader.FromString(row["header"]), FileOperation()
            if header.entity_type == "file" and ChangePayload.FromString(row["payload"]).after.Unpack(operation):
                found.append((header.type, operation))
        return [each for each in found if each[1].workspace_id == self.workspace_id]


@pytest.fixture
async def files(person: Person) -> Files:
    """A room's files."""
    return Files(person, await person.ready_room())


async def test_write_file_is_on_record_before_and_after(files: Files) -> None:
    """Intent and outcome: where, which version, how much, and no byte of the content; a refusal with its reason."""
    made = await files.write("a", b"x" * 300_000, b"y")
    await files.call("MoveFile", MoveFileRequest(path="a", new_path="b"))
    refusal = await refused(files.call("DeleteFile", DeleteFileRequest(path="a")))
    recorded = await files.recorded()
    assert [kind for kind, _ in recorded] == [
        *("write_started", "written", "move_started", "moved", "delete_started", "delete_failed"),
    ]
    written = recorded[1][1]
    assert (written.path, written.etag, written.size_bytes) == ("a", made.etag, 300_001)
    assert (written.state, written.file_operation_id) == (FileOperation.DONE, recorded[0][1].file_operation_id)
    assert (recorded[3][1].path, recorded[3][1].new_path) == ("a", "b")
    assert recorded[5][1].reason == refusal.reason == "FILE_NOT_FOUND"


async def test_write_file_repeated_with_its_request_id_is_done_once(files: Files) -> None:
    """Whoever heard no answer asks again and gets one; what others wrote since stays."""
    request_id = str(ids.new())
    await files.write("a", b"mine", request_id=request_id)
    await files.write("a", b"theirs")
    again = await files.write("a", b"mine", request_id=request_id)
    parts = [part async for part in files.stub.ReadFile(_reading(files, "a"), **files.options())]
    assert b"".join(part.data for part in parts) == b"theirs"
    info = ContentInfo()
    assert parts[0].extensions[0].Unpack(info)
    assert (info.etag, info.size_bytes, info.file_name) == (again.etag, 6, "a")
    assert [kind for kind, _ in await files.recorded()].count("written") == 2
    other = await refused(files.write("b", b"mine", request_id=request_id))
    assert other.reason == "REQUEST_ID_REUSED"


async def test_copy_file_is_on_record_and_repeated_is_done_once(files: Files) -> None:
    """With both paths, before and after."""
    await files.write("a", b"content")
    request = CopyFileRequest(path="a", new_path="b", request_id=str(ids.new()))
    first, again = [await files.call("CopyFile", request) for _ in range(2)]
    assert (first, first.size_bytes) == (again, 7)
    told = [(kind, each.path, each.new_path) for kind, each in await files.recorded() if each.new_path]
    assert told == [("copy_started", "a", "b"), ("copied", "a", "b")]


async def test_write_file_that_is_cut_off_is_on_record_as_lost_and_leaves_nothing(files: Files) -> None:
    """A caller who leaves in the middle wrote nothing; the same request id may try again."""
    request_id = str(ids.new())
    named: dict[str, Any] = {"workspace_id": files.workspace_id, "path": "a", "request_id": request_id}

    async def recorded_as(kind: str) -> bool:
        return kind in [each for each, _ in await files.recorded()]

    call = files.stub.WriteFile(**files.options())
    await call.write(WriteFileRequest(**named))
    await until(lambda: recorded_as("write_started"))
    call.cancel()
    await until(lambda: recorded_as("write_lost"))
    made = await files.write("a", b"again", request_id=request_id)
    assert made.size_bytes == 5
    assert [kind for kind, _ in await files.recorded()][-2:] == ["write_started", "written"]


async def test_operation_of_a_service_that_died_is_given_up(files: Files) -> None:
    """Nobody gives a sign of life of it, so it is lost, and the same request may be made again."""
    request_id = str(ids.new())
    request = MakeDirectoryRequest(path="a", request_id=request_id)
    await files.call("MakeDirectory", request)
    url = files.person.product.installation.url("workspace_system")
    dying = "UPDATE file_operations SET state = 'STARTED' WHERE account_id = $1"
    await query(url, dying, files.person.user_id)
    busy = await refused(files.call("MakeDirectory", request))
    assert (busy.code, busy.reason) == (grpc.StatusCode.ABORTED, "FILE_OPERATION_UNDER_WAY")
    await query(url, "UPDATE file_operations SET reconcile_time = now() WHERE account_id = $1", files.person.user_id)

    async def lost() -> bool:
        return [kind for kind, _ in await files.recorded()][-1] == "make_directory_lost"

    await until(lost)
    assert (await files.call("MakeDirectory", request)).path == "a"


async def test_operations_that_ended_long_ago_are_forgotten(files: Files) -> None:
    """The ledger keeps what happened; the row is there for repeated calls only."""
    await files.write("a", b"")
    url = files.person.product.installation.url("workspace_system")
    aged = "update_time = now() - interval '3 days', reconcile_time = now()"

    async def gone() -> bool:
        return not await query(url, "SELECT FROM file_operations WHERE account_id = $1", files.person.user_id)

    assert not await gone()
    await query(url, f"UPDATE file_operations SET {aged} WHERE account_id = $1", files.person.user_id)  # noqa: S608  # ours
    await until(gone)
    assert [part async for part in files.stub.ReadFile(_reading(files, "a"), **files.options())]


async def test_protected_path_is_refused_and_counted_as_a_refusal(files: Files) -> None:
    """What would run with somebody's shell is written by nobody through the API."""
    refusal = await refused(files.write(".git/hooks/pre-commit", b"#!/bin/sh\n"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PROTECTED_PATH")


async def test_watch_files_ends_when_the_room_is_put_away(files: Files) -> None:
    """Its runner ends, and the watcher is told to come back, which then says what became of the room."""
    watch = files.stub.WatchFiles(WatchFilesRequest(workspace_id=files.workspace_id), **files.options())
    await watch.read()
    room = workspace_pb2.Workspace(workspace_id=files.workspace_id)
    await files.person.archive_room(room)
    assert (await refused(watch.read())).code is grpc.StatusCode.UNAVAILABLE


def _reading(files: Files, path: str) -> ReadFileRequest:
    return ReadFileRequest(workspace_id=files.workspace_id, path=path)
