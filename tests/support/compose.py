"""The compose file without containers: its commands, in its environment, in its order, as plain processes."""

import asyncio
import os
import re
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from embedded import runners
from embedded.ports import free_port
from tests.support.waiting import PATIENCE, until

FILE = Path(__file__).resolve().parents[2] / "deploy" / "compose.yaml"
_PORT = re.compile(r"\b(?P<host>[a-z0-9.]+)(?P<between>[:/])(?P<port>\d{4,5})\b")
_FOLDER = re.compile(r"/(etc|run|var/lib)/stateroom\b")
_VARIABLE = re.compile(r"\$\{[A-Z_]+:-(?P<default>[^}]*)\}")


def read() -> dict[str, Any]:
    """Return the compose file as compose understands it where no variable is set."""
    document: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(lambda found: found["default"], FILE.read_text()))
    return document


@dataclass(slots=True)
class Composed:
    """What the compose file describes, below a folder. Its ports are free ones, and its volumes are folders."""

    folder: Path
    services: dict[str, Any] = field(default_factory=lambda: read()["services"])
    _ports: dict[tuple[str, str], int] = field(default_factory=dict)
    _processes: dict[str, Process] = field(default_factory=dict)
    _up: dict[str, asyncio.Future[None]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return where the gateway is."""
        return f"http://127.0.0.1:{self._port('gateway', '8080')}"

    def volume(self, name: str) -> Path:
        """Return the folder that stands for a volume."""
        folder = self.folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    async def up(self, name: str) -> None:
        """Start a service after all that it depends on, and wait until it is what others wait for."""
        if name not in self._up:
            self._up[name] = asyncio.ensure_future(self._bring_up(name))  # noqa: TID251  # whoever depends on it waits
        await self._up[name]

    async def _bring_up(self, name: str) -> None:
        service = self.services[name]
        async with asyncio.TaskGroup() as group:
            for other in service.get("depends_on", {}):
                group.create_task(self.up(other))
        process = self._processes[name] = await self._start(name, service["command"])
        if "healthcheck" not in service:
            assert await process.wait() == 0, self.said(name)
            return

        _, *test = service["healthcheck"]["test"]
        port = int(_PORT.findall(self.here(name, test[-1]))[0][-1])

        async def healthy() -> bool:
            assert process.returncode is None, self.said(name)
            # First whether anybody listens: that costs nothing.
            return _listens(port) and await (await self._start(name, test)).wait() == 0

        await until(healthy)

    async def down(self) -> None:
        """Stop everything in order, the last first."""
        running = [process for process in self._processes.values() if process.returncode is None]
        for process in reversed(running):
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        await runners.stop_all(self.volume("rooms"))

    def said(self, name: str) -> str:
        """Return what a service wrote."""
        return (self.folder / f"{name}.log").read_text()

    async def _start(self, name: str, command: list[str]) -> Process:
        environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}"} | {
            key: self.here(name, value) for key, value in self.services[name].get("environment", {}).items()
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(self.here(name, word) for word in command), env=environment, stdin=DEVNULL, stdout=log, stderr=log
            )

    def here(self, name: str, text: str) -> str:
        """Return what a word of a service's container is outside of it: its hosts, ports and folders are ours."""
        root = self._root(name)
        return _FOLDER.sub(f"{root}\\g<0>", _PORT.sub(lambda found: self._address(name, found), text))

    def _root(self, name: str) -> Path:
        """Return the folder that stands for a container's own file system, with its volumes."""
        root = self.folder / "of" / name
        for volume in self.services[name].get("volumes", []):
            source, place, *_ = volume.split(":")
            link = root / place.lstrip("/")
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to(self.volume(source))
        return root

    def _address(self, name: str, found: re.Match[str]) -> str:
        host, others = found["host"], found["host"] in self.services
        port = self._port(host if others else name, found["port"])
        ours = others or host == "0.0.0.0"  # noqa: S104  # what containers listen on becomes this machine alone
        return f"{'127.0.0.1' if ours else host}{found['between']}{port}"

    def _port(self, name: str, port: str) -> int:
        if (name, port) not in self._ports:
            self._ports[name, port] = free_port(without=self._ports.values())
        return self._ports[name, port]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
