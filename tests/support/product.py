"""An installation with the schema of every service there is, and services in it as processes of their own."""

import asyncio
import fcntl
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest_asyncio

from chassis import processes
from chassis.migrate import migrate
from embedded import keys
from embedded.nats import Nats
from embedded.postgres import Postgres
from tests.support import waiting, warm
from tests.support.installation import Installation, fresh_installation
from tests.support.waiting import PATIENCE

TEMPLATE = "product_template"
SERVICES = tuple(sorted(path.parent.name for path in Path("services").glob("*/migrations")))
"""Every service with a database; a new one is found by its migrations."""


async def migrate_template(postgres: Postgres) -> Postgres:
    """Migrate a database that installations get a copy of."""
    await postgres.create_database(TEMPLATE)
    admin_url = postgres.admin_url.replace("/postgres?", f"/{TEMPLATE}?")
    for service in SERVICES:
        await migrate(
            service, admin_url, *(postgres.url(role, role, TEMPLATE) for role in (service, f"{service}_system"))
        )
    return postgres


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def product_template(postgres: Postgres) -> Postgres:
    """Migrate a database that tests get a copy of."""
    return await migrate_template(postgres)


@dataclass(frozen=True, slots=True)
class Announced:
    """A runner, by what it wrote into its room."""

    pid: int
    runner_id: str


@dataclass(slots=True)
class Product:
    """An installation, the folders of its services, and the processes that a test started in it."""

    installation: Installation
    folder: Path
    processes: dict[str, warm.Warm | asyncio.subprocess.Process] = field(default_factory=dict)

    def address(self, service: str) -> str:
        """Return the socket of a service; it stays the same over restarts."""
        return f"unix:{self.folder / service}.sock"

    def environment(self, service: str, **settings: Any) -> dict[str, str]:
        """Return everything a service is told, with some settings replaced; None leaves one out."""
        described = self.installation.settings(
            service,
            listen=self.address(service),
            data_directory=self.folder / "data",
            runtime_directory=self.folder / "run",
            allow_local_repositories=True,
            bootstrap_token_file=keys.bootstrap_token_file(self.installation.layout),
            sign_up="open",
            audit_sources=",".join(name for name in SERVICES if name != "audit"),
            **{f"{name}_address": self.address(name) for name in SERVICES},
        )
        inherited = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        values = {name.upper(): str(value) for name, value in (described | settings).items() if value is not None}
        return inherited | values

    async def start(self, service: str, *, replica: str = "", **settings: Any) -> None:
        """Start a service; calls to it wait until it serves. A `replica` is known and reached by a name of its own."""
        name = replica or service
        environment = self.environment(service, **{"listen": self.address(name)} | settings)
        self.processes[name] = await warm.start(f"services.{service}", env=environment)

    async def kill(self, service: str) -> None:
        """End a service as a power cut would."""
        process = self.processes.pop(service)
        process.kill()
        await process.wait()

    async def stop(self) -> None:
        """End all services, then the runners, which outlive them."""
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                process.terminate()
        for process in self.processes.values():
            await asyncio.wait_for(process.wait(), PATIENCE)
        await waiting.until(self._is_empty_after_a_kill)

    def runners(self) -> list[int]:
        """Return the process ids of the runners that are alive, those too that have not announced themselves yet."""
        room = f"ROOM_DIRECTORY={self.folder}/".encode()
        return [
            pid for pid in _processes() if room in _read(pid, "environ") and b"-m\0runner\0" in _read(pid, "cmdline")
        ]

    def runner_of(self, workspace_id: str) -> "Announced | None":
        """Return the runner that announced itself in a room, if it is alive."""
        try:
            described = json.loads((self.folder / "data" / "rooms" / workspace_id / "runner.json").read_text())
        except FileNotFoundError:
            return None
        runner = Announced(described["pid"], described["runner_id"])
        process = processes.described_by(described)
        return runner if process is not None and processes.is_running(process) else None

    def is_unlocked(self, workspace_id: str) -> bool:
        """Whether no process has a room any more; the threads of one that was killed may hold it a moment longer."""
        with (self.folder / "data" / "rooms" / workspace_id / "runner.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    async def _is_empty_after_a_kill(self) -> bool:
        for pid in self.runners():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not self.runners()


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # it ended meanwhile; a dead one that waits for its parent reads as empty
        return b""


@asynccontextmanager
async def open_product(postgres: Postgres, nats: Nats, template: str = TEMPLATE) -> AsyncIterator[Product]:
    """Make an installation without any process; whatever is started in it ends with the block."""
    async with fresh_installation(postgres, nats, template) as installation:
        with tempfile.TemporaryDirectory(prefix="sr-", ignore_cleanup_errors=True) as folder:
            product = Product(installation, Path(folder))
            try:
                yield product
            finally:
                await product.stop()


@pytest_asyncio.fixture
async def product(product_template: Postgres, nats: Nats) -> AsyncIterator[Product]:
    """Return an installation that a test has for itself."""
    async with open_product(product_template, nats) as opened:
        yield opened


@asynccontextmanager
async def serving_product(postgres: Postgres, nats: Nats, vaults: str = "directory") -> AsyncIterator[Product]:
    """Make an installation with all services running, which keeps saves in `vaults`."""
    settings: dict[str, Any] = {
        "workspace_limit": 1000,
        "silent_device_seconds": 3600,
        "sweep_seconds": 1,
        "vaults": vaults,
    }
    async with open_product(postgres, nats) as opened:
        for service in SERVICES:
            await opened.start(service, **settings)
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_product(product_template: Postgres, nats: Nats) -> AsyncIterator[Product]:
    """Return an installation with all services running, for the tests of one module: each makes its own account."""
    async with serving_product(product_template, nats) as opened:
        yield opened
