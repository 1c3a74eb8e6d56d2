"""What people do all day while every service may die at any moment: each wish is repeated until it is met."""

import re
from collections.abc import AsyncIterable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import Message
from stateroom.session.v1 import log_pb2, session_pb2
from stateroom.session.v1 import session_service_pb2 as session
from stateroom.session.v1.session_service_pb2_grpc import SessionServiceStub
from stateroom.workspace.v1 import file_requests_pb2, workspace_pb2
from stateroom.workspace.v1 import identity_service_pb2 as identity
from stateroom.workspace.v1 import workspace_service_pb2 as workspace
from stateroom.workspace.v1.file_service_pb2_grpc import FileServiceStub

from chassis import ids
from tests.support.history import History, Outcome
from tests.support.people import Person
from tests.support.waiting import until

PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.DEADLINE_EXCEEDED}
"""Answers after which a caller may try again; any other than these is a failed test."""
CALL_SECONDS, WISH_SECONDS = 10.0, 240.0
"""A wish may have to wait for a dozen starts of a service, each of which takes long on a busy machine."""
NUMBERS = range(1000, 2000)
LINE = f"seq {NUMBERS[0]} {NUMBERS[-1]}; exit 5\n".encode()


@dataclass(slots=True)
class Workload:
    """The days of one person; `names` are those of all keys and workspaces, each wished for once."""

    person: Person
    sessions: Any
    """A stub of the session service."""
    history: History = field(default_factory=History)
    names: list[str] = field(default_factory=list)
    session_ids: list[str] = field(default_factory=list)

    async def use_keys(self) -> None:
        """Create a key and revoke it."""
        name = self._name()
        wanted = identity.CreateApiKeyRequest(api_key=identity.ApiKey(name=name))
        created: Any = await self._wish(self.person.keys.CreateApiKey, wanted, "api_key.created")
        revoking = identity.RevokeApiKeyRequest(api_key_id=created.api_key.api_key_id)
        await self._wish(self.person.keys.RevokeApiKey, revoking, "api_key.revoked")

    async def use_room(self) -> None:
        """Create a workspace, make a directory, let a shell print in it, read what it printed, and delete it all."""
        rooms = self.person.rooms
        wanted = workspace.CreateWorkspaceRequest(workspace=workspace_pb2.Workspace(name=self._name()))
        room: Any = await self._wish(rooms.CreateWorkspace, wanted, "workspace.created")
        request = workspace.GetWorkspaceRequest(workspace_id=room.workspace_id)
        ready = await self._awaited(
            rooms.GetWorkspace, request, lambda seen: seen.state != workspace_pb2.Workspace.CREATING
        )
        assert ready.state == workspace_pb2.Workspace.ACTIVE, ready.state_reason
        making = file_requests_pb2.MakeDirectoryRequest(workspace_id=room.workspace_id, path="a/b")
        await self._wish(FileServiceStub(self.person.channel).MakeDirectory, making, "file.directory_made")
        await self._use_session(room.workspace_id)
        await self._wish(
            rooms.DeleteWorkspace, workspace.DeleteWorkspaceRequest(workspace_id=room.workspace_id), "workspace.deleted"
        )

    async def _use_session(self, workspace_id: str) -> None:
        wanted = session.CreateSessionRequest(session=session_pb2.Session(workspace_id=workspace_id))
        opened: Any = await self._wish(self.sessions.CreateSession, wanted, "session.created")
        self.session_ids.append(opened.session_id)
        if opened.state == session_pb2.Session.FAILED:  # its service died before it knew of the shell
            return
        typing = session.WriteSessionRequest(session_id=opened.session_id, data=LINE)
        request = session.GetSessionRequest(session_id=opened.session_id)
        await self._call(self.sessions.WriteSession, typing, ends={grpc.StatusCode.FAILED_PRECONDITION})
        ended = await self._awaited(self.sessions.GetSession, request, lambda seen: seen.HasField("end_time"))
        assert (ended.state, ended.exit_code, ended.log_complete) == (session_pb2.Session.STOPPED, 5, True)
        output = await self._call(self._output, log_pb2.StreamOutputRequest(session_id=opened.session_id))
        assert [int(line) for line in re.findall(rb"(?<=[\r\n])(\d+)\r\n", output)] == list(NUMBERS), output[-500:]
        assert len(output) == ended.output_bytes

    async def _output(self, request: Message, **options: Any) -> bytes:
        parts: AsyncIterable[Any] = self.sessions.StreamOutput(request, **options)
        return b"".join([part.data async for part in parts])

    def _name(self) -> str:
        self.names.append(f"n-{ids.new()}")
        return self.names[-1]

    async def _wish(self, method: Callable[..., Any], request: Message, change: str) -> Message:
        """Repeat a mutation, always with the same request id, until it is answered."""
        request_id = str(ids.new())
        request.request_id = request_id  # type: ignore[attr-defined]  # every mutation has one
        operation = self.history.invoke(request_id, change)
        answer: Message = await self._call(method, request, ("x-request-id", request_id))
        operation.outcome = Outcome.OK
        return answer

    async def _awaited(self, method: Callable[..., Any], request: Message, condition: Callable[[Any], bool]) -> Any:
        """Read something again and again until it is as expected."""
        seen: list[Any] = []

        async def as_expected() -> bool:
            seen.append(await self._call(method, request))
            return condition(seen[-1])

        await until(as_expected, seconds=WISH_SECONDS)
        return seen[-1]

    async def _call(
        self,
        method: Callable[..., Any],
        request: Message,
        *metadata: tuple[str, str],
        ends: Sequence[grpc.StatusCode] | set[grpc.StatusCode] = (),
    ) -> Any:
        """Call until there is an answer, or an error that ends it."""
        answers: list[Any] = []

        async def answered() -> bool:
            options = {"metadata": (*self.person.metadata, *metadata), "timeout": CALL_SECONDS, "wait_for_ready": True}
            try:
                answers.append(await method(request, **options))
            except grpc.aio.AioRpcError as exc:
                if exc.code() in ends:
                    return True
                if exc.code() not in PASSING:
                    raise
            return bool(answers)

        await until(answered, seconds=WISH_SECONDS)
        return answers[0] if answers else None


def workload(person: Person, channel: grpc.aio.Channel) -> Workload:
    """Return what a person does; `channel` leads to the session service."""
    return Workload(person, SessionServiceStub(channel))
