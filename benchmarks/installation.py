"""A real installation in a folder of its own, as `make up` starts it, and the ways into it."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from cli.client import Client, Json
from cli.endpoint import Endpoint as ApiEndpoint
from embedded import endpoint, polling
from embedded.layout import open_layout
from embedded.postgres import Postgres

START_SECONDS = 120.0
STOP_SECONDS = 60.0
PLAIN = {"PS1": "$ ", "PROMPT_COMMAND": "", "HISTFILE": ""}
"""A shell that prints nothing of its own accord but its prompt."""
REACHED = "127.0.0.2"
"""An address that the requests of steps reach, though it is not public."""
LIMITS = {"SESSION_LIMIT": "1000", "STREAMS_PER_ACCOUNT": "1000", "WORKSPACE_LIMIT": "100", "EGRESS_ALLOWED": REACHED}
"""What one account may have: all figures are of one."""


class Installation:
    """An installation that can be started, stopped and started again. `client` speaks to it as its first user."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.endpoint: endpoint.Endpoint
        self.client: Client
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> float:
        """Start it and return the seconds until it was ready. RuntimeError when it does not become so."""
        began = time.monotonic()
        arguments = ("-P", "-m", "embedded", "up", "--data", str(self.data))
        with (self.data.parent / "up.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *arguments, stdout=log, stderr=log, cwd=self.data.parent, env=_environment()
            )
        process = self._process
        file = self.data / "endpoint.json"
        await polling.until(lambda: file.exists() or process.returncode is not None, START_SECONDS)
        found = endpoint.read(file)
        if found is None:
            raise RuntimeError((self.data.parent / "up.log").read_text())
        self.endpoint = found
        self.client = Client(ApiEndpoint(found.gateway, found.api_key))
        return time.monotonic() - began

    async def stop(self) -> None:
        """Stop it with everything it runs; its data stays."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)

    @property
    def supervisor(self) -> int:
        """Process id of the supervisor."""
        return self.endpoint.pids["supervisor"]

    @property
    def database_url(self) -> str:
        """The superuser's URL for the database of all services: figures look past every service."""
        layout = open_layout(self.data, "")
        admin = Postgres(layout.data / "postgres", layout.runtime).admin_url
        return urlunsplit(urlsplit(admin)._replace(path="/stateroom"))

    @property
    def bearer(self) -> tuple[tuple[str, str], ...]:
        """The metadata of a gRPC call made with the first user's key."""
        return (("authorization", f"Bearer {self.endpoint.api_key}"),)

    async def open_session(self) -> Json:
        """Make a workspace with an empty repository and open a session in it."""
        name = f"bench-{time.monotonic_ns()}"
        workspace = await self.client.post("/v1/workspaces", {"name": name})
        path = f"/v1/workspaces/{workspace['workspaceId']}"
        async with asyncio.timeout(START_SECONDS):
            while (await self.client.get(path))["state"] == "CREATING":  # noqa: ASYNC110  # simpler than watching
                await asyncio.sleep(polling.INTERVAL_SECONDS)
        wanted = {"workspaceId": workspace["workspaceId"], "kind": "TERMINAL", "columns": 100, "environment": PLAIN}
        return await self.client.post("/v1/sessions", wanted)


@asynccontextmanager
async def installed() -> AsyncIterator[Installation]:
    """Make an installation, not started yet; stop it and delete everything at the end."""
    folder = Path(tempfile.mkdtemp(prefix="sr-bench-"))
    installation = Installation(folder / "data")
    try:
        yield installation
    finally:
        await installation.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _environment() -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "HOME": tempfile.gettempdir(),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    } | LIMITS
