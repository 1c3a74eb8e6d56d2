"""A session service in a process of its own, with a room, its real runner, and people who call."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import pytest
from stateroom.event.v1.change_pb2 import ChangeHeader
from stateroom.runner.v1 import runner_service_pb2 as runner_pb
from stateroom.runner.v1.runner_service_pb2_grpc import RunnerServiceStub
from stateroom.session.v1 import log_pb2, session_pb2
from stateroom.session.v1 import session_service_pb2 as pb
from stateroom.session.v1.deletion_service_pb2_grpc import DeletionServiceStub
from stateroom.session.v1.editor_service_pb2_grpc import EditorServiceStub
from stateroom.session.v1.idle_service_pb2_grpc import IdleServiceStub
from stateroom.session.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from stateroom.session.v1.session_service_pb2_grpc import SessionServiceStub
from stateroom.session.v1.sharing_service_pb2_grpc import SharingServiceStub
from stateroom.workspace.v1 import workspace_service_pb2 as workspace

from chassis import ids
from chassis.errors import DomainError
from chassis.rpc.call import Principal
from chassis.rpc.channels import BearerToken
from chassis.rpc.status import raise_relayed
from chassis.rpc.tokens import TokenSigner
from chassis.service import Service, open_service
from chassis.settings import ServiceSettings
from embedded import keys
from embedded.ports import free_port
from tests.support import rooms, warm
from tests.support.fake_workspace import FakeWorkspace
from tests.support.installation import Installation
from tests.support.source import query
from tests.support.waiting import PATIENCE, until

PERSON = "Ada"
"""What everybody who calls is called."""
SHELL = {"PS1": "$ ", "PROMPT_COMMAND": ""}


class Stage:
    """What a test of sessions acts on."""

    def __init__(self, installation: Installation, fake: FakeWorkspace, service: Service, address: str) -> None:
        self.installation = installation
        self.workspace = fake
        self.workspace_service = service
        self.workspace_address = address
        self._port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="sr-"))
        self._processes: list[warm.Warm] = []
        self._signer = TokenSigner("workspace", keys.signing_key_file(installation.layout, "workspace"))
        self.target = f"127.0.0.1:{self._port}"
        self.channel = grpc.aio.insecure_channel(self.target)
        self.stub: Any = SessionServiceStub(self.channel)
        self._stubs: list[Any] = [
            self.stub,
            LifecycleServiceStub(self.channel),
            SharingServiceStub(self.channel),
            IdleServiceStub(self.channel),
            DeletionServiceStub(self.channel),
            EditorServiceStub(self.channel),
        ]
        self.service: warm.Warm
        self.runner: warm.Warm
        self._is_usual = True

    @property
    def account_id(self) -> UUID:
        """The account that the room belongs to."""
        return self.workspace.account_id

    def change_owner(self) -> None:
        """Give the room to a new account, which has no session yet."""
        self.workspace.account_id = ids.new()

    def replica(self) -> "Stage":
        """Return the same room and people at another session service, which is not started yet."""
        return Stage(self.installation, self.workspace, self.workspace_service, self.workspace_address)

    def bearer(
        self, account_id: UUID | None = None, *, role: int = 2, user_id: UUID | None = None
    ) -> tuple[tuple[str, str], ...]:
        """Return the metadata of a person's call; a new person's, unless it is said whose."""
        account_id, subject = account_id or self.account_id, str(user_id or ids.new())
        token, _ = self._signer.sign_user(Principal(subject, account_id, role, frozenset({"*"}), "credential", PERSON))
        return (("authorization", f"Bearer {token}"),)

    async def start_service(self, *, wait: bool = True, **others: str) -> None:
        """Start the session service and wait until it answers, unless it is to die before that."""
        settings = self.installation.settings("session", workspace_address=self.workspace_address)
        environment = {name.upper(): str(value) for name, value in settings.items()} | others
        environment["LISTEN"] = self.target
        self.service = await self._spawn("services.session", environment)
        self._is_usual = not others
        if wait:
            await until(self._answers)

    async def kill_service(self) -> None:
        """Kill the session service as the kernel would."""
        await _end(self.service, signal.SIGKILL)

    async def start_runner(self, **others: str) -> None:
        """Start a run of the room's runner and let the workspace service know it."""
        runner_id, token, path = str(ids.new()), os.urandom(32).hex(), self._folder / f"{ids.new().hex[-8:]}.sock"
        environment = {
            "WORKSPACE_ID": str(self.workspace.workspace_id),
            "RUNNER_ID": runner_id,
            "ROOM_DIRECTORY": str(self._folder / "room"),
            "SOCKET": str(path),
        } | others
        self.runner = await self._spawn("runner", environment, token)
        async with grpc.aio.insecure_channel(f"unix:{path}") as channel:
            await asyncio.wait_for(channel.channel_ready(), PATIENCE)
        self.workspace.runner = workspace.Runner(
            runner_id=runner_id, address=f"unix:{path}", token=token, workspace_name="room"
        )

    async def kill_runner(self) -> None:
        """Kill the runner as the kernel would."""
        await _end(self.runner, signal.SIGKILL)

    async def terminals(self) -> set[str]:
        """Return the sessions whose terminals the runner has."""
        return {terminal.session_id for terminal in (await self._status()).terminals}

    async def terminal(self, session_id: str) -> runner_pb.Terminal:
        """Return a session's terminal as the runner has it."""
        return next(found for found in (await self._status()).terminals if found.session_id == session_id)

    async def write_to_terminal(self, session_id: str, text: str) -> None:
        """Type past the session service."""
        runner = self.workspace.runner
        async with grpc.aio.insecure_channel(runner.address) as channel:
            stub: Any = RunnerServiceStub(channel)
            request = runner_pb.WriteTerminalRequest(session_id=session_id, data=text.encode(), lease_epoch=1 << 40)
            await stub.WriteTerminal(request, metadata=BearerToken(runner.token).metadata(), timeout=PATIENCE)

    @property
    def files(self) -> Path:
        """The room's workspace."""
        return self._folder / "room" / "files"

    def spool(self, session_id: str) -> list[Path]:
        """Return the files in which the runner keeps a session's records."""
        return sorted((self._folder / "room" / "spool" / session_id).glob("*.records"))

    async def call(
        self, method: str, request: Any, account_id: UUID | None = None, *, role: int = 2, **options: Any
    ) -> Any:  # any message
        """Call the session service as a person."""
        call = next(getattr(stub, method) for stub in self._stubs if hasattr(stub, method))
        return await call(request, metadata=self.bearer(account_id, role=role), timeout=20, **options)

    async def create(self, request_id: str = "", **wishes: Any) -> session_pb2.Session:  # fields of a session
        """Open a session with a plain prompt."""
        wishes = {"workspace_id": str(self.workspace.workspace_id), "environment": SHELL} | wishes
        request = pb.CreateSessionRequest(session=session_pb2.Session(**wishes), request_id=request_id)
        session: session_pb2.Session = await self.call("CreateSession", request)
        return session

    async def get(self, session_id: str) -> session_pb2.Session:
        """Return a session."""
        request = pb.GetSessionRequest(session_id=session_id)
        session: session_pb2.Session = await self.call("GetSession", request)
        return session

    async def rows(self, table: str, columns: str = "*") -> list[Any]:  # records of asyncpg
        """Return what a table of the session service holds of the room's account."""
        statement = f"SELECT {columns} FROM session.{table} WHERE account_id = $1 ORDER BY 1"  # noqa: S608  # ours
        return await query(self.installation.admin_url, statement, self.account_id)

    async def type(self, session_id: str, line: str) -> None:
        """Type a line without attaching."""
        await self.call("WriteSession", pb.WriteSessionRequest(session_id=session_id, data=f"{line}\n".encode()))

    async def ended(self, session_id: str) -> session_pb2.Session:
        """Wait until a session has ended and return it."""
        await until(partial(self._over, session_id))
        return await self.get(session_id)

    async def output(self, session_id: str, offset: int = 0) -> bytes:
        """Return the output from an offset to the session's end."""
        data = bytearray()
        request = log_pb2.StreamOutputRequest(session_id=session_id, offset=offset)
        async for response in self.stub.StreamOutput(request, metadata=self.bearer(), timeout=PATIENCE):
            assert response.offset == offset + len(data)
            data += response.data
        return bytes(data)

    async def printed(self, session_id: str, wanted: bytes) -> None:
        """Wait until a session that lives has printed the bytes."""
        data, request = bytearray(), log_pb2.StreamOutputRequest(session_id=session_id)
        stream = self.stub.StreamOutput(request, metadata=self.bearer(), timeout=PATIENCE)
        async for response in stream:
            data += response.data
            if wanted in data:
                stream.cancel()
                return
        raise AssertionError(bytes(data[-500:]))

    async def events(self, entity_id: str) -> list[str]:
        """Return what happened to a session, by the names of its changes."""
        statement = "SELECT header FROM session.changes UNION ALL SELECT header FROM session.outbox"
        headers = [
            ChangeHeader.FromString(row["header"]) for row in await query(self.installation.admin_url, statement)
        ]
        return [
            header.type
            for header in sorted(headers, key=lambda each: each.entity_version)
            if header.entity_id == entity_id
        ]

    async def restore(self) -> None:
        """End the owner's sessions, and have service and runner run as they usually do, whatever happened to them."""
        self.workspace.refusal = None
        if self.runner.returncode is not None:
            await self.start_runner()
        if self.service.returncode is not None or not self._is_usual:
            await self.kill_service()
            await self.start_service()
        listed = await self.call("ListSessions", pb.ListSessionsRequest(page_size=200))
        for session in listed.sessions:
            if session.HasField("end_time"):
                continue
            with suppress(grpc.aio.AioRpcError):  # it ended by itself meanwhile
                await self.call("TerminateSession", pb.TerminateSessionRequest(session_id=session.session_id))

    async def close(self) -> None:
        """End every process that was started."""
        await self.channel.close(None)
        for process in reversed(self._processes):
            await _end(process, signal.SIGTERM)

    async def _status(self) -> runner_pb.Status:
        runner = self.workspace.runner
        async with grpc.aio.insecure_channel(runner.address) as channel:
            stub: Any = RunnerServiceStub(channel)
            metadata = BearerToken(runner.token).metadata()
            status: runner_pb.Status = await stub.GetStatus(
                runner_pb.GetStatusRequest(), metadata=metadata, timeout=PATIENCE
            )
        return status

    async def _answers(self) -> bool:
        try:
            await self.call("ListSessions", pb.ListSessionsRequest(), wait_for_ready=True)
        except grpc.aio.AioRpcError:  # the connection to the process before it, which was killed
            return False
        return True

    async def _over(self, session_id: str) -> bool:
        return (await self.get(session_id)).HasField("end_time")

    async def _spawn(self, module: str, environment: dict[str, str], line: str = "") -> warm.Warm:
        environment = environment | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PATH": os.defpath,
            "LOG_LEVEL": "WARNING",
        }
        reading, writing = os.pipe()
        os.write(writing, f"{line}\n".encode())
        os.close(writing)
        process = await warm.start(module, env=environment, standard=(reading, None, None))
        os.close(reading)
        self._processes.append(process)
        return process


@asynccontextmanager
async def open_stage(installation: Installation) -> AsyncIterator[Stage]:
    """Open a fake workspace service and leave the rest to the test."""
    async with AsyncExitStack() as stack:
        settings = ServiceSettings(**installation.settings("workspace"))
        service = await open_service("workspace", settings, rooms.REGISTRY, stack)
        server = service.server(exchange=_refuse)
        fake = FakeWorkspace()
        server.add(workspace.DESCRIPTOR.services_by_name["WorkspaceService"], fake)
        address = await server.start("127.0.0.1:0")
        stack.push_async_callback(server.stop, 0)
        stage = Stage(installation, fake, service, address)
        stack.push_async_callback(stage.close)
        yield stage


def reason(exc: grpc.aio.AioRpcError) -> str:
    """Return the reason an error names."""
    with pytest.raises(DomainError) as relayed:
        raise_relayed(exc, service="session")
    return relayed.value.reason


async def _end(process: warm.Warm, number: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(number)
        await process.wait()


async def _refuse(text: str, account: str) -> str:
    raise AssertionError(text)
