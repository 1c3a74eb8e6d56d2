"""A whole installation under its real supervisor, as a user starts it, and the means to hurt it."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio

from chassis import digest, processes
from cli.client import Client
from cli.endpoint import Endpoint as ApiEndpoint
from embedded import databases, keys, lock
from embedded.endpoint import Endpoint, read
from embedded.layout import Layout
from embedded.postgres import Postgres
from tests.support import warm_command
from tests.support.left_over import end_all, processes_naming
from tests.support.waiting import PATIENCE, until

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended."""

    code: int
    output: str
    errors: str

    def json(self) -> list[dict[str, object]]:
        """Return the objects that it printed, one for each line."""
        return [json.loads(line) for line in self.output.splitlines()]


class EmbeddedStack:
    """One installation in a folder of its own, with open sign-up. `folder` also holds its sockets and its output."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._supervisor: asyncio.subprocess.Process | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Where everything is at this moment."""
        endpoint = read(self.data / "endpoint.json")
        assert endpoint is not None, self.said()
        return endpoint

    @property
    def api(self) -> ApiEndpoint:
        """The gateway with the owner's key."""
        endpoint = self.endpoint
        return ApiEndpoint(endpoint.gateway, endpoint.api_key)

    def client(self) -> Client:
        """Return a client of the API that acts as the owner."""
        return Client(self.api)

    def room(self, workspace_id: str) -> Path:
        """Return the folder of a workspace's room."""
        return self.data / "workspace" / "rooms" / workspace_id

    @property
    def admin_url(self) -> str:
        """The database, as its superuser."""
        server = Postgres(self.data / "postgres", self._layout.runtime)
        return server.admin_url.replace("/postgres?", f"/{databases.DATABASE}?")

    def nats_url(self, user: str) -> str:
        """Return the broker, as one of its users."""
        port = json.loads(self._layout.ports.read_text())["nats"]
        return f"nats://{user}:{(self._layout.passwords / f'nats-{user}').read_text()}@127.0.0.1:{port}"

    def event_key(self, source: str) -> bytes:
        """Return the key by which a service signs its changes."""
        return digest.load_keys(keys.event_keys_file(self._layout))[source]

    def logged(self, part: str, text: str) -> int:
        """Return how many lines of a part's log hold a text."""
        return (self._layout.logs / f"{part}.log").read_text().count(text)

    def said(self) -> str:
        """Return what the supervisor printed."""
        return (self.folder / "supervisor.log").read_text()

    async def up(self) -> None:
        """Start it and return when it is ready."""
        environment = self._environment() | {"XDG_RUNTIME_DIR": str(self.folder / "run"), "SIGN_UP": "open"}
        limits = dict.fromkeys(("WORKSPACE_LIMIT", "SESSION_LIMIT", "TEAM_LIMIT"), "1000")
        environment |= limits  # many tests share one account
        environment |= {"EGRESS_ALLOWED": "127.0.0.2/32"}  # where tests have servers that steps ask
        (self.folder / "run").mkdir(mode=0o700, exist_ok=True)
        with (self.folder / "supervisor.log").open("ab") as log:
            supervisor = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "embedded", "up", "--data", str(self.data)),
                cwd=self.folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._supervisor = supervisor

        async def ready() -> bool:
            assert supervisor.returncode is None, self.said()
            endpoint = read(self.data / "endpoint.json")
            return endpoint is not None and endpoint.pids["supervisor"] == supervisor.pid

        await until(ready)

    async def down(self) -> Finished:
        """Stop it with the command that users have."""
        finished = await self._run("-P", "-m", "embedded", "down", "--data", str(self.data))
        await self._ended()
        return finished

    async def leave(self) -> None:
        """Stop all but what runs in rooms, with the command that users have."""
        assert self._supervisor is not None
        finished = await self._run("-P", "-m", "embedded", "down", "--keep-sessions", "--data", str(self.data))
        assert finished.code == 0, finished.errors
        assert await self._supervisor.wait() == 0
        self._supervisor = None

    async def interrupt(self) -> None:
        """Stop it as Ctrl-C does, within the promised time."""
        if self._supervisor is not None:
            self._supervisor.send_signal(signal.SIGINT)
            await self._ended()

    async def crash(self) -> None:
        """Kill the supervisor and return when the processes that are bound to its life have ended."""
        assert self._supervisor is not None
        bound = [processes.find(pid) for name, pid in self.endpoint.pids.items() if name != "supervisor"]
        self._supervisor.kill()
        await self._supervisor.wait()
        self._supervisor = None

        async def ended() -> bool:
            return not any(process and processes.is_running(process) for process in bound)

        await until(ended)

    async def kill(self, part: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a process of the installation by a signal, and return when its successor is ready."""
        killed = self.endpoint.pids[part]
        os.kill(killed, number)

        async def replaced() -> bool:
            return self.endpoint.pids[part] != killed

        await until(replaced)

    @contextmanager
    def stopped(self, part: str) -> Iterator[None]:
        """Keep a process from running during the block, in which it may be killed."""
        pid = self.endpoint.pids[part]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    async def command(self, *arguments: str, stdin: bytes = b"", **environment: str) -> Finished:
        """Run the command line `stateroom` as the owner, with more in its environment if wished."""
        return await self._command(self.command_environment() | environment, arguments, stdin)

    async def guest_command(self, *arguments: str, stdin: bytes = b"") -> Finished:
        """Run the command line as somebody who knows where the gateway is, and has no key."""
        environment = self.command_environment()
        del environment["STATEROOM_API_KEY"]
        return await self._command(environment, arguments, stdin)

    def command_environment(self) -> dict[str, str]:
        """Return the environment in which `python -m cli.main` finds the installation."""
        api = self.api
        return self._environment() | {"STATEROOM_URL": api.url, "STATEROOM_API_KEY": api.api_key}

    async def _command(self, environment: Mapping[str, str], arguments: Sequence[str], stdin: bytes) -> Finished:
        code, output, errors = await warm_command.run(arguments, environment, self.folder, stdin)
        return Finished(code, output.decode(), errors.decode())

    async def _run(self, *arguments: str) -> Finished:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *arguments),
            cwd=self.folder,
            env=self.command_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode is not None
        return Finished(process.returncode, output.decode(), errors.decode())

    async def _ended(self) -> None:
        assert self._supervisor is not None
        async with asyncio.timeout(PATIENCE):
            code = await self._supervisor.wait()
        self._supervisor = None
        assert code == 0, self.said()
        assert not lock.is_held(self.data)
        assert not processes_naming(self.folder)

    @property
    def _layout(self) -> Layout:
        return Layout(self.data, Path((self.data / "runtime-folder").read_text()))

    def _environment(self) -> dict[str, str]:
        # Every process of the installation inherits one of the two last, by which it is found when it should not be.
        paths = os.pathsep.join([str(ROOT), str(ROOT / "gen" / "python")])
        return {"PATH": os.defpath, "PYTHONPATH": paths, "HOME": str(self.folder), "TMPDIR": str(self.folder)}


@asynccontextmanager
async def _stack() -> AsyncIterator[EmbeddedStack]:
    with tempfile.TemporaryDirectory(prefix="sr-test-") as folder:
        stack = EmbeddedStack(Path(folder))
        try:
            await stack.up()
            yield stack
            await stack.interrupt()
        finally:
            await end_all(stack.folder)
    assert not Path(folder).exists()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def embedded_stack() -> AsyncIterator[EmbeddedStack]:
    """Run an installation for all tests that leave it running; they may kill every part but the supervisor."""
    async with _stack() as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own_stack() -> AsyncIterator[EmbeddedStack]:
    """Run an installation for tests that stop it, or kill its supervisor, and leave it running again."""
    async with _stack() as stack:
        yield stack
