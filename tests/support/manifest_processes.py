"""The Pods of the rendered chart as processes: the same programs, settings, keys and times, at other addresses."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from embedded import cluster_keys
from embedded.ports import free_port
from tests.support.chart import Pod, pods
from tests.support.waiting import PATIENCE, until
from tools.render_chart import ROOT, Object

SERVICES = ("workspace", "session", "execution", "audit")
_FOLDERS = {"/etc/stateroom/keys": "keys", "/var/lib/stateroom": "data", "/run/stateroom": "run"}


@dataclass(slots=True)
class Machine:
    """Runs the Pods of the combination `trying`. `changes` are variables that a component has here and not there."""

    folder: Path
    changes: Mapping[str, Mapping[str, str]]
    pods: dict[str, Pod] = field(default_factory=lambda: {pod.component: pod for pod in pods("trying")})
    running: dict[str, Process] = field(default_factory=dict)
    _ports: dict[tuple[str, int], int] = field(default_factory=dict)
    _secrets: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def gateway(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self._port('gateway', 8080)}"

    @property
    def bootstrap_token(self) -> str:
        """What the Secret holds for the first user."""
        return self._secrets["stateroom-keys"]["bootstrap.token"]

    def make_secrets(self) -> None:
        """Make what the Job for keys makes, with its arguments."""
        given = self.pods["keys"].main["args"]
        _, keys, _, postgresql, database, _, nats, broker = given
        self._secrets[keys] = cluster_keys.keys_of({})
        self._secrets[postgresql] = cluster_keys.postgresql_of({}, database)
        self._secrets[nats] = cluster_keys.nats_of({}, broker)

    async def start(self, component: str) -> None:
        """Start a Pod's container; one that is to run first has ended well before."""
        pod = self.pods[component]
        for container in pod.spec.get("initContainers", []):
            assert await (await self._run(pod, container)).wait() == 0
        self.running[component] = await self._run(pod, pod.main)

    async def finish(self, component: str) -> None:
        """Run a Pod until it ends well, again and again as its policy says."""

        async def ends_well() -> bool:
            return await (await self._run(self.pods[component], self.pods[component].main)).wait() == 0

        await until(ends_well)

    async def stop(self, component: str) -> None:
        """End a Pod by SIGTERM; it must end well. How long it may take is for other tests: a busy machine is slow."""
        process = self.running.pop(component)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0

    def kill(self) -> None:
        """Kill what still runs."""
        for process in self.running.values():
            process.kill()

    def _port(self, component: str, port: int) -> int:
        return self._ports.setdefault((component, port), free_port())

    async def _run(self, pod: Pod, container: Object) -> Process:
        own = self.folder / pod.component
        for folder in _FOLDERS.values():
            (own / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        for volume in (volume["secret"] for volume in pod.spec["volumes"] if "secret" in volume):
            for item in volume["items"]:
                (own / "keys" / item["path"]).write_text(self._secrets[volume["secretName"]][item["key"]])
        environment = {entry["name"]: self._here(pod, own, self._value(entry)) for entry in container.get("env", [])}
        if container is pod.main:
            environment |= self.changes.get(pod.component, {})
        command = [self._here(pod, own, part) for part in container["command"][1:]]
        with (own / f"{container['name']}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, *command, env=_base() | environment, cwd=ROOT, stdout=log, stderr=log
            )

    def _value(self, entry: Object) -> str:
        source = entry.get("valueFrom", {}).get("secretKeyRef")
        value: str = self._secrets[source["name"]][source["key"]] if source else entry["value"]
        return value

    def _here(self, pod: Pod, own: Path, text: str) -> str:
        """Return a text in which Services, listening addresses and folders are those of this machine."""
        named = re.sub(r"stateroom-(\w+):(\d+)", lambda to: f"127.0.0.1:{self._port(to[1], int(to[2]))}", text)
        here = re.sub(r"0\.0\.0\.0:(\d+)", lambda at: f"127.0.0.1:{self._port(pod.component, int(at[1]))}", named)
        for folder, name in _FOLDERS.items():
            here = here.replace(folder, str(own / name))
        return here


def _base() -> dict[str, str]:
    """Return what the images set."""
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
