"""A node, and the scheduler before it: Pods become processes of this machine that run the real runner."""

import asyncio
import base64
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.support import warm
from tests.support.cluster.objects import Key, Object, Objects, Refusal
from tests.support.cluster.server import claims

_NOT_YET = "ContainerCreating"
_LOOK = 0.02  # seconds between looks at a port


@dataclass(slots=True)
class Orders:
    """What a test wants to happen to Pods; empty for nothing unusual.

    Attributes:
        no_node: why the scheduler finds no node.
        bad_image: why the image cannot be pulled.
        pulling: the image is still being pulled.
        storage_classes: those that there are; any other makes no disk. "" is the default one.
    """

    no_node: str = ""
    bad_image: str = ""
    pulling: bool = False
    storage_classes: tuple[str, ...] = ("",)


@dataclass(slots=True)
class Node:
    """Runs Pods. Each has an address of its own below 127.0.0.0/8, as it has in a cluster, so that ports may repeat."""

    objects: Objects
    folder: Path
    orders: Orders = field(default_factory=Orders)
    processes: dict[str, warm.Warm] = field(default_factory=dict)
    """By the uid of the Pod."""
    _started: int = 0

    async def run(self) -> None:
        """Look after Pods until cancelled; then end their processes at once."""
        try:
            async with asyncio.TaskGroup() as group:
                known: set[str] = set()
                while True:
                    bell = self.objects.bell
                    for key, pod in list(self.objects.by_key.items()):
                        if key[0] == "pods" and pod["metadata"]["uid"] not in known:
                            known.add(pod["metadata"]["uid"])
                            group.create_task(self._live(key, pod["metadata"]["uid"]))
                    await bell.wait()
        finally:
            for process in self.processes.values():
                with suppress(ProcessLookupError):
                    process.kill()

    def volume(self, claim: str) -> Path:
        """Return the directory that is the disk of a claim."""
        return self.folder / "volumes" / claim

    async def _live(self, key: Key, uid: str) -> None:
        """Follow one Pod from its creation to its end."""
        with suppress(_Gone):
            await self._schedule(key, uid)
            await self._fetch_image(key, uid)
            await self._keep(key, uid)
        self._tidy(key[1])

    async def _schedule(self, key: Key, uid: str) -> None:
        await self._until(key, uid, lambda pod: not pod["spec"].get("schedulingGates"))
        await self._until(key, uid, partial(self._has_node, key, uid))
        self._edit(key, uid, _scheduled)

    def _has_node(self, key: Key, uid: str, pod: Object) -> bool:
        refusal = self.orders.no_node
        for name in claims(pod):
            refusal = refusal or self._bind(("persistentvolumeclaims", key[1], name))
        if refusal:
            condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": refusal}
            self._edit(key, uid, lambda found: found["status"].update(conditions=[condition]))
        return not refusal

    def _bind(self, key: Key) -> str:
        """Make a claim's disk. Returns why its Pod cannot be scheduled, empty when it can."""
        try:
            claim = self.objects.get(key)
        except Refusal:
            return f'persistentvolumeclaim "{key[2]}" not found'
        wanted = claim["spec"].get("storageClassName", "")
        if wanted not in self.orders.storage_classes:
            message = f'storageclass.storage.k8s.io "{wanted}" not found'
            self._tell(claim, "Warning", "ProvisioningFailed", message)
            return "pod has unbound immediate PersistentVolumeClaims"
        self.volume(key[2]).mkdir(parents=True, exist_ok=True)
        self.objects.change(key, lambda found: found["status"].update(phase="Bound"))
        return ""

    async def _fetch_image(self, key: Key, uid: str) -> None:
        pod = self._pod(key, uid)
        self._tell(pod, "Normal", "Pulling", f'Pulling image "{pod["spec"]["containers"][0]["image"]}"')
        await self._until(key, uid, partial(self._has_image, key, uid))

    def _has_image(self, key: Key, uid: str, _pod: Object) -> bool:
        if self.orders.bad_image:
            waiting = {"reason": "ImagePullBackOff", "message": self.orders.bad_image}
            self._edit(key, uid, partial(_container, state={"waiting": waiting}))
        return not self.orders.bad_image and not self.orders.pulling

    async def _keep(self, key: Key, uid: str) -> None:
        """Run a Pod's container until it ends, or somebody deletes the Pod."""
        self._started += 1
        # Other processes run tests of their own beside this one.
        own = (os.getpid() << 8) + self._started
        address = f"127.{own >> 16 & 255}.{own >> 8 & 255}.{own & 255}"
        process = self.processes[uid] = await self._start(key, uid, address)
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(self._end_when_deleted(key, uid, process))
            serving = group.create_task(self._tell_ready(key, uid, address))
            code = await process.wait()
            ending.cancel()
            serving.cancel()
        del self.processes[uid]
        with suppress(_Gone):
            if "deletionTimestamp" in self._pod(key, uid)["metadata"]:
                self.objects.remove(key)
            else:
                state = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed"}}
                self._edit(key, uid, partial(_container, state=state, phase="Failed" if code else "Succeeded"))

    async def _start(self, key: Key, uid: str, address: str) -> warm.Warm:
        container, environment = await self._container(key, uid, address)
        assert container["image"]
        with (self.folder / f"{uid}.log").open("ab") as output:
            process = await warm.start("runner", env=environment, standard=(None, output, output))
        running: Object = {"podIP": address, "podIPs": [{"ip": address}], "phase": "Running"}
        self._edit(key, uid, partial(_container, state={"running": {}}, **running))
        return process

    async def _container(self, key: Key, uid: str, address: str) -> tuple[Object, dict[str, str]]:
        """Return a Pod's container and its environment, in which paths are those of the directories that it mounts.

        A Pod has a network of its own; here it has an address of its own, and where it would listen on all that it has,
        it listens on that.
        """
        pod = self._pod(key, uid)
        container = pod["spec"]["containers"][0]
        mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
        places = {}
        for volume in pod["spec"]["volumes"]:
            places[mounts[volume["name"]]] = await self._place(key, uid, volume)
        environment = {each["name"]: each["value"] for each in container["env"]}
        for name, value in environment.items():
            for path in sorted(places, key=len, reverse=True):
                if value == path or value.startswith(f"{path}/"):
                    environment[name] = f"{places[path]}{value.removeprefix(path)}"
                    break
        environment["LISTEN"] = environment["LISTEN"].replace("0.0.0.0:", f"{address}:")  # it is replaced
        image = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        return container, image | environment

    async def _place(self, key: Key, uid: str, volume: Object) -> Path:
        if "persistentVolumeClaim" in volume:
            return self.volume(str(volume["persistentVolumeClaim"]["claimName"]))
        place = self.folder / "pods" / uid / str(volume["name"])
        place.mkdir(parents=True)
        if "secret" in volume:
            secret = ("secrets", key[1], volume["secret"]["secretName"])
            await self._until(key, uid, lambda _: secret in self.objects.by_key)
            for name, value in self.objects.get(secret)["data"].items():
                (place / name).write_bytes(base64.b64decode(value))
        return place

    async def _end_when_deleted(self, key: Key, uid: str, process: warm.Warm) -> None:
        """Tell the process to stop once its Pod is deleted, and after a while kill it."""
        with suppress(_Gone, ProcessLookupError):
            await self._until(key, uid, lambda pod: "deletionTimestamp" in pod["metadata"], ends=False)
            process.terminate()
            await asyncio.sleep(self._pod(key, uid)["metadata"]["deletionGracePeriodSeconds"])
        with suppress(ProcessLookupError):
            process.kill()

    async def _tell_ready(self, key: Key, uid: str, address: str) -> None:
        """Set the Pod's readiness once its port takes connections, as the probe of the kubelet does."""
        probe = self._pod(key, uid)["spec"]["containers"][0]["readinessProbe"]["tcpSocket"]
        while True:
            try:
                _, writer = await asyncio.open_connection(address, probe["port"])
            except OSError:
                await asyncio.sleep(_LOOK)
            else:
                writer.close()
                break
        with suppress(_Gone):
            self._edit(key, uid, partial(_container, state={"running": {}}, ready=True))

    async def _until(self, key: Key, uid: str, check: Callable[[Object], bool], *, ends: bool = True) -> None:
        """Wait until something holds. _Gone when the Pod is deleted before, or with `ends=False` when it is removed."""
        while True:
            bell, pod = self.objects.bell, self._pod(key, uid)
            if ends and "deletionTimestamp" in pod["metadata"]:
                self.objects.remove(key)
                raise _Gone
            if check(pod):
                return
            await bell.wait()

    def _pod(self, key: Key, uid: str) -> Object:
        pod = self.objects.by_key.get(key)
        if pod is None or pod["metadata"]["uid"] != uid:
            raise _Gone
        return pod

    def _edit(self, key: Key, uid: str, edit: Callable[[Object], None]) -> None:
        self._pod(key, uid)
        self.objects.change(key, edit)

    def _tell(self, about: Object, kind: str, reason: str, message: str) -> None:
        """Record an event about an object."""
        meta = about["metadata"]
        involved = {name: meta[name] for name in ("name", "namespace", "uid")}
        event = {"involvedObject": involved, "type": kind, "reason": reason, "message": message}
        known = self.objects.list("events", meta["namespace"], lambda found: event.items() <= found.items())
        if not known:
            generated: Object = {"metadata": {"generateName": f"{meta['name']}."}}
            self.objects.create("events", meta["namespace"], generated | event)

    def _tidy(self, namespace: str) -> None:
        """Remove the claims that were deleted while a Pod used them, and the disks of those that are gone."""
        pods = [pod for key, pod in self.objects.by_key.items() if key[:2] == ("pods", namespace)]
        used = {name for pod in pods for name in claims(pod)}
        for key, claim in list(self.objects.by_key.items()):
            is_claim = key[:2] == ("persistentvolumeclaims", namespace)
            if is_claim and "deletionTimestamp" in claim["metadata"] and key[2] not in used:
                self.objects.remove(key)
                shutil.rmtree(self.volume(key[2]), ignore_errors=True)


class _Gone(Exception):
    """The Pod is not there any more."""


def _scheduled(pod: Object) -> None:
    pod["spec"]["nodeName"] = "node-1"
    pod["status"]["conditions"] = [{"type": "PodScheduled", "status": "True"}]
    _container(pod, state={"waiting": {"reason": _NOT_YET}})


def _container(pod: Object, *, state: Object, ready: bool = False, **status: Any) -> None:
    """Set the state of a Pod's one container, and its readiness, which is the Pod's."""
    name = pod["spec"]["containers"][0]["name"]
    conditions = [each for each in pod["status"]["conditions"] if each["type"] != "Ready"]
    pod["status"] |= status | {
        "containerStatuses": [{"name": name, "ready": ready, "restartCount": 0, "state": state}],
        "conditions": [*conditions, {"type": "Ready", "status": str(ready)}],
    }
