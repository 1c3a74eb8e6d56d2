"""FileService: files of rooms. The runner, who is where they are, does the work; what changes them is recorded here."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.message import Message
from stateroom.file.v1.file_pb2 import File, FileChanges, SearchMatches
from stateroom.runner.v1 import file_service_pb2 as runner_pb
from stateroom.workspace.v1 import file_requests_pb2 as pb

from chassis import ids
from chassis.pages import MAXIMUM_LOG_SIZE, Pages
from chassis.rpc.call import Call
from services.workspace.files import content, convert
from services.workspace.files.domain import Action, FileOperation, Wish
from services.workspace.files.journal import Journal
from services.workspace.files.room import Room
from services.workspace.workspaces.runners import Runners

T = TypeVar("T", bound=Message)


@dataclass(frozen=True, slots=True)
class FileServicer:
    """Serves stateroom.workspace.v1.FileService."""

    pages: Pages
    runners: Runners
    journal: Journal

    async def ListFiles(self, request: pb.ListFilesRequest, call: Call) -> pb.ListFilesResponse:
        """Return a page of a directory."""
        page = self.pages.open(request, call.account_id, maximum=MAXIMUM_LOG_SIZE)
        room, after = await self._enter(request, call), os.fsencode(page.after or "")
        found = await room.call(
            "ListFiles", runner_pb.ListFilesRequest(path=request.path, after_name=after, limit=page.size)
        )
        token = page.seal(os.fsdecode(found.last_name)) if found.last_name else ""
        return pb.ListFilesResponse(files=found.files, next_page_token=token)

    async def GetFile(self, request: pb.GetFileRequest, call: Call) -> File:
        """Return an entry."""
        return await (await self._enter(request, call)).look(request.path)

    async def ReadFile(self, request: pb.ReadFileRequest, call: Call) -> AsyncIterator[HttpBody]:
        """Stream content."""
        room = await self._enter(request, call)
        wanted = runner_pb.ReadFileRequest(path=request.path, offset=request.offset, length=request.length)
        async for part in room.stream("ReadFile", wanted):
            if part.HasField("file"):
                yield content.read_head(part.file, request.offset, request.length)
            else:
                yield HttpBody(data=part.data)

    async def WriteFile(self, requests: AsyncIterator[pb.WriteFileRequest], call: Call) -> File:
        """Write a file."""
        first = await content.first_of(requests)
        call.note_repeat(first)
        room = await self._enter(first, call)

        async def sent() -> AsyncIterator[runner_pb.WriteFileRequest]:
            yield runner_pb.WriteFileRequest(path=first.path, etag=first.etag, if_absent=first.if_absent)
            async for data in content.data_of(first, requests):
                yield runner_pb.WriteFileRequest(data=data)

        _, made = await self._change(call, first, Action.WRITE, lambda: room.send("WriteFile", sent()))
        return made or await room.look(first.path)

    async def MoveFile(self, request: pb.MoveFileRequest, call: Call) -> File:
        """Move an entry."""
        room = await self._enter(request, call)
        wanted = runner_pb.MoveFileRequest(path=request.path, new_path=request.new_path, etag=request.etag)
        _, made = await self._change(call, request, Action.MOVE, lambda: room.call("MoveFile", wanted))
        return made or await room.look(request.new_path)

    async def CopyFile(self, request: pb.CopyFileRequest, call: Call) -> File:
        """Copy an entry."""
        room = await self._enter(request, call)
        wanted = runner_pb.CopyFileRequest(
            path=request.path, new_path=request.new_path, etag=request.etag, overwrite=request.overwrite
        )
        _, made = await self._change(call, request, Action.COPY, lambda: room.copy(wanted))
        return made or await room.look(request.new_path)

    async def MakeDirectory(self, request: pb.MakeDirectoryRequest, call: Call) -> File:
        """Make a directory."""
        room = await self._enter(request, call)
        wanted = runner_pb.MakeDirectoryRequest(path=request.path)
        _, made = await self._change(call, request, Action.MAKE_DIRECTORY, lambda: room.call("MakeDirectory", wanted))
        return made or await room.look(request.path)

    async def DeleteFile(self, request: pb.DeleteFileRequest, call: Call) -> pb.DeleteFileResponse:
        """Delete an entry."""
        room = await self._enter(request, call)
        wanted = runner_pb.DeleteFileRequest(path=request.path, recursive=request.recursive, etag=request.etag)
        await self._change(call, request, Action.DELETE, lambda: room.call("DeleteFile", wanted))
        return pb.DeleteFileResponse()

    async def WatchFiles(self, request: pb.WatchFilesRequest, call: Call) -> AsyncIterator[FileChanges]:
        """Stream what changes."""
        room = await self._enter(request, call)
        async for changes in room.stream("WatchFiles", runner_pb.WatchFilesRequest(path=request.path)):
            yield changes

    async def SearchFiles(self, request: pb.SearchFilesRequest, call: Call) -> AsyncIterator[SearchMatches]:
        """Stream what is found."""
        room = await self._enter(request, call)
        async for matches in room.stream("SearchFiles", convert.search_for_runner(request)):
            yield matches

    async def DownloadFiles(self, request: pb.DownloadFilesRequest, call: Call) -> AsyncIterator[HttpBody]:
        """Stream a directory as an archive."""
        room = await self._enter(request, call)
        wanted = runner_pb.DownloadFilesRequest(path=request.path, format=request.format)
        async for part in room.stream("DownloadFiles", wanted):
            yield HttpBody(data=part.data) if part.data else content.archive_head(request.path, request.format)

    async def UploadFiles(self, requests: AsyncIterator[pb.UploadFilesRequest], call: Call) -> pb.UploadFilesResponse:
        """Unpack an archive."""
        first = await content.first_of(requests)
        call.note_repeat(first)
        room = await self._enter(first, call)

        async def sent() -> AsyncIterator[runner_pb.UploadFilesRequest]:
            yield runner_pb.UploadFilesRequest(path=first.path, format=first.format)
            async for data in content.data_of(first, requests):
                yield runner_pb.UploadFilesRequest(data=data)

        done, _ = await self._change(call, first, Action.UPLOAD, lambda: room.send("UploadFiles", sent()))
        return pb.UploadFilesResponse(file_count=done.file_count, size_bytes=done.size_bytes)

    async def _enter(self, request: Any, call: Call) -> Room:  # any request of this service
        _, runner = await self.runners.enter(call.actor, ids.parse(request.workspace_id))
        return Room.of(runner)

    async def _change(
        self, call: Call, request: Any, action: Action, work: Callable[[], Awaitable[T]]
    ) -> tuple[FileOperation, T | None]:
        """Do the work, and have it on record."""
        new_path = request.new_path if action in {Action.MOVE, Action.COPY} else ""
        wish = Wish(ids.parse(request.workspace_id), action, request.path, new_path)
        return await self.journal.carry_out(call.actor, wish, work)
