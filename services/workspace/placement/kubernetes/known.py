"""What is known of all rooms' Pods: listed once, and kept by a watch, so that nobody has to ask for one of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID
from weakref import WeakValueDictionary

from chassis import cancellation, logs
from chassis.errors import ServiceUnavailable
from services.workspace.placement.kubernetes import manifest, pods
from services.workspace.placement.kubernetes.cluster import Cluster, Event, Refused
from services.workspace.placement.kubernetes.pods import RoomPod

_SELECTOR = manifest.WORKSPACE
_FIRST_LIST = 10.0
"""Seconds to wait for the first list after a start."""
_AGAIN = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts while the API server does not answer."""
_EXPIRED = 410

_log = logs.get("kubernetes")


@dataclass(slots=True)
class Known:
    """The rooms' Pods by workspace. While the API server is away it is what they were: rooms go on without it."""

    cluster: Cluster
    _pods: dict[UUID, RoomPod] = field(default_factory=dict)
    _listed: asyncio.Event = field(default_factory=asyncio.Event)
    # A bell is there while somebody waits for news of the room.
    _bells: WeakValueDictionary[UUID, asyncio.Event] = field(default_factory=WeakValueDictionary)

    async def pod(self, workspace_id: UUID) -> RoomPod | None:
        """Return a room's Pod, None when there is none. ServiceUnavailable before the first list."""
        await self._until_listed()
        return self._pods.get(workspace_id)

    async def follow(self, workspace_id: UUID, *, seconds: float) -> AsyncIterator[RoomPod | None]:
        """Give a room's Pod, and again whenever it has changed, and at least every second, until time is up."""
        await self._until_listed()
        give_up_time = time.monotonic() + seconds
        bell = self._bells.setdefault(workspace_id, asyncio.Event())
        while (left := give_up_time - time.monotonic()) > 0:
            bell.clear()
            yield self._pods.get(workspace_id)
            try:
                async with asyncio.timeout(min(left, 1.0)):
                    await bell.wait()
            except TimeoutError:
                continue

    async def run(self) -> None:
        """List and watch until cancelled."""
        failures, version = 0, ""
        while True:
            cancellation.heed()
            try:
                version = version or await self._list()
                async for event in self.cluster.watch("pods", _SELECTOR, version):
                    self._apply(event)
                    version, failures = event.version, 0
            except Refused as refusal:
                version = ""
                if refusal.code == _EXPIRED:
                    continue
                _log.warning("the API server refuses to tell of pods", error=str(refusal))
            except ServiceUnavailable:
                _log.warning("the API server does not answer, trying again")
            else:
                continue  # it ends every watch after a while
            await asyncio.sleep(_AGAIN[min(failures, len(_AGAIN) - 1)])
            failures += 1

    async def _list(self) -> str:
        """Replace what is known. Returns the version from which to watch."""
        found: dict[UUID, RoomPod] = {}
        version = ""
        async for page, at in self.cluster.pages("pods", _SELECTOR):
            version = at
            for each in page:
                _add(found, each)
        before, self._pods = self._pods, found
        self._listed.set()
        for workspace_id in before.keys() | found.keys():
            self._ring(workspace_id)
        return version

    def _apply(self, event: Event) -> None:
        if event.kind == "BOOKMARK":
            return
        changed: dict[UUID, RoomPod] = {}
        _add(changed, event.found)
        for workspace_id, pod in changed.items():
            if event.kind == "DELETED":
                self._pods.pop(workspace_id, None)
            else:
                self._pods[workspace_id] = pod
            self._ring(workspace_id)

    def _ring(self, workspace_id: UUID) -> None:
        if (bell := self._bells.get(workspace_id)) is not None:
            bell.set()

    async def _until_listed(self) -> None:
        try:
            async with asyncio.timeout(_FIRST_LIST):
                await self._listed.wait()
        except TimeoutError:
            raise ServiceUnavailable(service="kubernetes") from None


def _add(found: dict[UUID, RoomPod], pod: dict[str, object]) -> None:
    """Read a Pod; one that somebody else labelled like ours is none of ours."""
    try:
        room = pods.read(pod)
    except (KeyError, ValueError) as exc:
        _log.warning("a pod with our label is none of ours", error=repr(exc))
        return
    found[room.workspace_id] = room
