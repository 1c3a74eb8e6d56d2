"""The files of one room, where they are: the way to its runner."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self

from stateroom.file.v1.file_pb2 import File
from stateroom.runner.v1 import file_service_pb2 as runner_pb
from stateroom.runner.v1.file_service_pb2_grpc import FileServiceStub

from chassis.rpc.channels import Neighbour
from services.workspace.placement.handles import RunnerHandle

_DEADLINE = 60.0
"""Seconds for what takes no content: a huge directory takes its time to be listed, or to go."""
_UPLOAD = 3600.0
"""Seconds for content, which comes as fast as a caller sends it, or a disk gives it."""


@dataclass(frozen=True, slots=True)
class Room:
    """The runner's FileService. Calls raise what the runner answers, or ServiceUnavailable."""

    peer: Neighbour
    stub: Any  # generated for channels of both kinds, synchronous ones too

    @classmethod
    def of(cls, runner: RunnerHandle) -> Self:
        """Return the files of a runner's room."""
        return cls(runner.peer, FileServiceStub(runner.peer.channel))

    async def call(self, method: str, request: Any) -> Any:  # any message
        """Make a unary call."""
        return await self.peer.call(getattr(self.stub, method), request, timeout=_DEADLINE)

    async def copy(self, request: runner_pb.CopyFileRequest) -> File:
        """Copy an entry, which takes as long as its content needs."""
        copied: File = await self.peer.call(self.stub.CopyFile, request, timeout=_UPLOAD)
        return copied

    async def send(self, method: str, requests: AsyncIterator[Any]) -> Any:  # as above
        """Make a call that takes a stream."""
        return await self.peer.send(getattr(self.stub, method), requests, timeout=_UPLOAD)

    def stream(self, method: str, request: Any) -> AsyncIterator[Any]:  # as above
        """Make a call that answers with a stream."""
        return self.peer.stream(getattr(self.stub, method), request)

    async def look(self, path: str) -> File:
        """Return an entry."""
        found: File = await self.call("GetFile", runner_pb.GetFileRequest(path=path))
        return found
