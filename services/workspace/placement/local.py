"""Runners as processes of this machine, which outlive the service that started them."""

import asyncio
import hmac
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from stateroom.runner.v1 import runner_service_pb2 as pb
from stateroom.runner.v1.runner_service_pb2_grpc import RunnerServiceStub

from chassis import faults, logs
from chassis.beside import beside
from chassis.environment import inherited
from chassis.errors import DomainError, ServiceUnavailable
from chassis.rpc.channels import BearerToken, Neighbour, open_channel
from services.workspace.placement import room_lock
from services.workspace.placement.nursery import Forked, Nursery
from services.workspace.placement.placement import START_DEADLINE
from services.workspace.placement.port import Tell, Vacancy
from services.workspace.settings import WorkspaceSettings

INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT")
"""What a runner needs of our environment; it must not see our settings."""

_AFTER_FORK = faults.Point("placement.after_fork", "A runner's process was started, and has not announced itself.")

_log = logs.get("placement")


class LocalPlacement:
    """Starts runners as processes and finds them again by the lock of their room."""

    def __init__(self, settings: WorkspaceSettings) -> None:
        self._settings = settings
        self._key = sha256(b"runner-token\0" + settings.signing_key_file.read_bytes()).digest()
        self._nursery = Nursery(inherited(*INHERITED))

    def close(self) -> None:
        """End what forks runners. The runners go on."""
        self._nursery.close()

    @property
    def patience(self) -> float:
        """Seconds a room may take to become free."""
        return START_DEADLINE

    async def address(self, runner_id: UUID, workspace_id: UUID, tell: Tell) -> str:  # noqa: ARG002  # of the port
        """Return the runner's socket."""
        return self.target(runner_id)

    def target(self, runner_id: UUID) -> str:
        """Return the gRPC address of the runner's socket."""
        return f"unix:{self._socket(runner_id)}"

    def token(self, runner_id: UUID) -> str:
        """Return HMAC-SHA-256 of the runner's id under a key of this service."""
        return hmac.new(self._key, runner_id.bytes, sha256).hexdigest()

    @asynccontextmanager
    async def vacant(
        self,
        runner_id: UUID,
        workspace_id: UUID,
        account_id: UUID,  # noqa: ARG002  # of the port
    ) -> AsyncIterator[Vacancy | None]:
        """Hold a room by its lock."""
        room = self._room(workspace_id)
        room.mkdir(mode=0o700, parents=True, exist_ok=True)
        with room_lock.taken(room, runner_id) as lock:
            if lock is None:
                yield None
            else:
                yield Vacancy(self.target(runner_id), "", partial(self._start, runner_id, workspace_id, lock))

    async def holder(self, workspace_id: UUID) -> UUID | None:
        """Return the runner that lives or starts in the room."""
        return room_lock.holder(self._room(workspace_id))

    serving = holder

    async def living(self) -> list[tuple[UUID, UUID]]:
        """Return each room's runner, and the room's workspace."""
        rooms = self._settings.data_directory / "rooms"
        found = ((room_lock.holder(room), room.name) for room in rooms.glob("*"))
        return [(runner_id, UUID(name)) for runner_id, name in found if runner_id is not None]

    async def until_ended(self, runner_id: UUID, workspace_id: UUID) -> None:  # noqa: ARG002  # of the port
        """Wait for ever: the end of a process that is not our child sends no event."""
        await asyncio.Event().wait()

    async def discard(self, runner_id: UUID, workspace_id: UUID) -> None:
        """Do nothing: of a process that has ended nothing is left."""

    async def _start(self, runner_id: UUID, workspace_id: UUID, lock: int, _tell: Tell) -> None:
        """Start a runner in a session of its own and wait until it serves."""
        room = self._room(workspace_id)
        self._settings.runtime_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = self._environment(runner_id, workspace_id, room)
        with (room / "runner.log").open("ab") as log, _told(self.token(runner_id)) as told:
            process = await self._nursery.fork(environment, (told, log.fileno(), lock))
        _AFTER_FORK.reach()
        try:
            await self._wait_until_serving(runner_id, process)
        finally:
            os.close(process.descriptor)
        _log.info("runner started", workspace_id=str(workspace_id), runner_id=str(runner_id), pid=process.pid)

    async def _wait_until_serving(self, runner_id: UUID, process: Forked) -> None:
        async with open_channel(self.target(runner_id)) as channel:
            runner = Neighbour("runner", channel, BearerToken(self.token(runner_id)))
            stub: Any = RunnerServiceStub(channel)
            try:
                async with beside(_until_ended(process)):
                    await runner.call(stub.GetStatus, pb.GetStatusRequest(), timeout=START_DEADLINE)
            except DomainError as exc:
                process.kill()
                raise ServiceUnavailable(service="runner") from exc

    def _environment(self, runner_id: UUID, workspace_id: UUID, room: Path) -> dict[str, str]:
        return inherited(*INHERITED) | {
            "RUNNER_ID": str(runner_id),
            "WORKSPACE_ID": str(workspace_id),
            "ROOM_DIRECTORY": str(room),
            "SOCKET": str(self._socket(runner_id)),
            "HIDDEN_DIRECTORIES": os.pathsep.join(map(str, self._settings.private_folders)),
            "ALLOW_LOCAL_REPOSITORIES": str(self._settings.allow_local_repositories).lower(),
            "SANDBOX_AT_LEAST": self._settings.sandbox_at_least,
            "LOG_LEVEL": self._settings.log_level,
            "LOG_FORMAT": self._settings.log_format,
        }

    def _room(self, workspace_id: UUID) -> Path:
        return self._settings.data_directory / "rooms" / str(workspace_id)

    def _socket(self, runner_id: UUID) -> Path:
        return self._settings.runtime_directory / f"{runner_id.hex}.sock"


async def _until_ended(process: Forked) -> None:
    await process.ended()
    raise ServiceUnavailable(service="runner")


@contextmanager
def _told(token: str) -> Iterator[int]:
    """Give a pipe that holds the token: a child reads it whatever becomes of us, and no process list shows it."""
    reading, writing = os.pipe()
    try:
        os.write(writing, f"{token}\n".encode())
        os.close(writing)
        yield reading
    finally:
        os.close(reading)
