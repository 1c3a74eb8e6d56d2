"""The contract of files, method by method."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from stateroom.file.v1.file_pb2 import File, FileChanges, SearchMatches
from stateroom.runner.v1 import file_service_pb2 as pb

from chassis.rpc.call import Call
from runner.files import packing, unpacking, watching
from runner.files.copying import Copying
from runner.files.reading import Reading
from runner.files.search import Search
from runner.files.staging import Staging
from runner.files.writing import Writing
from runner.git import Git
from runner.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class FileServicer:
    """Serves stateroom.runner.v1.FileService for one room."""

    folder: Path
    reading: Reading
    writing: Writing
    search: Search
    copying: Copying

    @classmethod
    def of(cls, room: Path, sandbox: Sandbox, git: Git) -> Self:
        """Return the files of a room; what a runner before this one has left half done is deleted."""
        folder = room / "files"
        writing = Writing(folder, Staging.emptied(room))
        return cls(folder, Reading(folder), writing, Search(git, sandbox), Copying(writing))

    async def ListFiles(self, request: pb.ListFilesRequest, _call: Call) -> pb.ListFilesResponse:
        """List a directory."""
        return await self.reading.list(request.path, request.after_name, request.limit)

    async def GetFile(self, request: pb.GetFileRequest, _call: Call) -> File:
        """Look at an entry."""
        return await self.reading.look(request.path)

    async def ReadFile(self, request: pb.ReadFileRequest, _call: Call) -> AsyncIterator[pb.ReadFileResponse]:
        """Read a file."""
        async for part in self.reading.read(request):
            yield part

    async def WriteFile(self, requests: AsyncIterator[pb.WriteFileRequest], _call: Call) -> File:
        """Write a file."""
        return await self.writing.write(await anext(requests, pb.WriteFileRequest()), requests)

    async def MoveFile(self, request: pb.MoveFileRequest, _call: Call) -> File:
        """Move an entry."""
        return await self.writing.move(request)

    async def CopyFile(self, request: pb.CopyFileRequest, _call: Call) -> File:
        """Copy an entry."""
        return await self.copying.copy(request)

    async def MakeDirectory(self, request: pb.MakeDirectoryRequest, _call: Call) -> File:
        """Make a directory."""
        return await self.writing.make_directory(request.path)

    async def DeleteFile(self, request: pb.DeleteFileRequest, _call: Call) -> pb.DeleteFileResponse:
        """Delete an entry."""
        await self.writing.delete(request)
        return pb.DeleteFileResponse()

    async def WatchFiles(self, request: pb.WatchFilesRequest, _call: Call) -> AsyncIterator[FileChanges]:
        """Watch a directory."""
        async for changes in watching.watch(self.folder, request.path):
            yield changes

    async def SearchFiles(self, request: pb.SearchFilesRequest, _call: Call) -> AsyncIterator[SearchMatches]:
        """Search files."""
        await self.reading.look(request.path)  # git would find nothing in a directory that is not there
        async for matches in self.search.run(request):
            yield matches

    async def DownloadFiles(
        self, request: pb.DownloadFilesRequest, _call: Call
    ) -> AsyncIterator[pb.DownloadFilesResponse]:
        """Pack a directory."""
        async for data in packing.pack(self.folder, request.path, request.format):
            yield pb.DownloadFilesResponse(data=data)

    async def UploadFiles(self, requests: AsyncIterator[pb.UploadFilesRequest], _call: Call) -> pb.UploadFilesResponse:
        """Unpack an archive."""
        return await unpacking.unpack(self.writing, await anext(requests, pb.UploadFilesRequest()), requests)
