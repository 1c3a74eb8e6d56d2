"""Files of rooms, as editors need them: the way to their runner."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from stateroom.file.v1.file_pb2 import File, FileChanges
from stateroom.runner.v1 import file_service_pb2 as pb
from stateroom.runner.v1.file_service_pb2_grpc import FileServiceStub

from chassis.errors import DomainError, InvalidField, Violation
from services.session.editors.domain import LIMIT, Buffer, FileState, decoded
from services.session.editors.errors import BufferTooLarge
from services.session.sessions.live.runners import Runner, Runners

ABSENT = frozenset({"FILE_NOT_FOUND", "NOT_A_DIRECTORY"})
"""What a runner says of a file that is not there."""
_SECONDS = 60.0
_PIECE = 1 << 20  # bytes in one message to a runner


@dataclass(frozen=True, slots=True)
class Files:
    """Files of rooms. Every method raises what the workspace service or the runner has against it."""

    runners: Runners

    async def open(self, account_id: UUID, workspace_id: UUID, path: str) -> tuple[File, str]:
        """Return a file and its text. NotText, BufferTooLarge; InvalidField for a link, which no save follows."""
        runner = await self.runners.enter(account_id, workspace_id)
        found = await self._look(runner, path)
        if found.kind == File.SYMLINK:
            raise InvalidField(Violation("path", "is a link; open the file that it leads to"))
        file, data = await self._read(runner, path)
        return file, decoded(path, data)

    async def state(self, buffer: Buffer) -> FileState:
        """Return the file of a buffer as it is. It is read only if it is not one that the buffer knows."""
        try:
            runner = await self.runners.find(buffer.account_id, buffer.workspace_id)
            found = await self._look(runner, buffer.path)
            known = found.etag in {buffer.file_etag, buffer.outside_etag}
            if known or found.kind != File.FILE or found.size_bytes > LIMIT:
                return FileState(found.etag, None)
            file, data = await self._read(runner, buffer.path)
        except DomainError as exc:
            if exc.reason in ABSENT:
                return FileState()
            self.runners.forget(buffer.workspace_id)
            raise
        return FileState(file.etag, sha256(data).digest())

    async def write(self, buffer: Buffer, text: str, *, overwrite: bool) -> str:
        """Write a text into the file that a buffer knows, or into whatever there is, and return its etag."""
        runner, data = await self.runners.enter(buffer.account_id, buffer.workspace_id), text.encode()

        async def sent() -> AsyncIterator[pb.WriteFileRequest]:
            etag = "" if overwrite else buffer.file_etag
            if_absent = not (overwrite or buffer.file_etag)
            yield pb.WriteFileRequest(path=buffer.path, etag=etag, if_absent=if_absent)
            for at in range(0, len(data), _PIECE):
                yield pb.WriteFileRequest(data=data[at : at + _PIECE])

        written: File = await runner.peer.send(_stub(runner).WriteFile, sent(), timeout=_SECONDS)
        return written.etag

    async def changes(self, account_id: UUID, workspace_id: UUID) -> AsyncIterator[FileChanges]:
        """Yield what changes in a room, first an empty message once the watch is on."""
        try:
            runner = await self.runners.find(account_id, workspace_id)
            async for changes in runner.peer.stream(_stub(runner).WatchFiles, pb.WatchFilesRequest()):
                yield changes
        except DomainError:
            self.runners.forget(workspace_id)
            raise

    async def _look(self, runner: Runner, path: str) -> File:
        found: File = await runner.call(_stub(runner).GetFile, pb.GetFileRequest(path=path))
        return found

    async def _read(self, runner: Runner, path: str) -> tuple[File, bytes]:
        file, data = File(), bytearray()
        async for part in runner.peer.stream(_stub(runner).ReadFile, pb.ReadFileRequest(path=path)):
            if part.HasField("file"):
                file = part.file
            data += part.data
            if max(file.size_bytes, len(data)) > LIMIT:
                raise BufferTooLarge(path, LIMIT)
        return file, bytes(data)


def _stub(runner: Runner) -> Any:  # generated for channels of both kinds, synchronous ones too
    return FileServiceStub(runner.peer.channel)
