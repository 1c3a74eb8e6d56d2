"""Runners as Pods. The name of a room's Pod is the lock on the room, because the API server has one of a name."""

import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from chassis import logs
from services.workspace.placement import certificates
from services.workspace.placement.kubernetes import errors, manifest
from services.workspace.placement.kubernetes.cluster import Cluster, Object, Refused
from services.workspace.placement.kubernetes.known import Known
from services.workspace.placement.kubernetes.manifest import Occupant, Wishes
from services.workspace.placement.kubernetes.pods import RoomPod, Stage
from services.workspace.placement.kubernetes.trouble import Trouble, refused
from services.workspace.placement.port import Tell, Vacancy

_ABANDONED = 10.0
"""Seconds after which a Pod whose gate is still closed belongs to somebody who died."""

_log = logs.get("kubernetes")


@dataclass(frozen=True, slots=True)
class KubernetesPlacement:
    """Makes Pods and finds them again by their names. `patience` is how many seconds a room may take to start."""

    cluster: Cluster
    known: Known
    wishes: Wishes
    token_key: bytes
    patience: float

    def token(self, runner_id: UUID) -> str:
        """Return HMAC-SHA-256 of the runner's id under a key of this service."""
        return hmac.new(self.token_key, runner_id.bytes, sha256).hexdigest()

    @asynccontextmanager
    async def vacant(self, runner_id: UUID, workspace_id: UUID, account_id: UUID) -> AsyncIterator[Vacancy | None]:
        """Hold a room by a Pod that waits at its gate, and give what opens it."""
        occupant = Occupant(runner_id, workspace_id, account_id)
        uid = await self._take(occupant)
        if uid is None:
            yield None
            return
        certificate, key = certificates.make(runner_id)
        files = {"token": self.token(runner_id), "tls.crt": certificate, "tls.key": key}
        is_open = False

        async def start(tell: Tell) -> None:
            nonlocal is_open
            await tell("Asking the cluster for a room")
            await self._furnish(occupant, uid, files)
            is_open = True
            await self.address(runner_id, workspace_id, tell)

        try:
            yield Vacancy("", certificate, start)
        finally:
            if not is_open:
                await self._remove_pod(workspace_id, uid)

    async def address(self, runner_id: UUID, workspace_id: UUID, tell: Tell) -> str:
        """Return where a runner serves, as soon as its Pod runs. Raises RoomNotStarted when it does not."""
        trouble, pod = Trouble(self.cluster, tell), None
        async for now in self.known.follow(workspace_id, seconds=self.patience):
            if now is None or now.runner_id != runner_id:
                if pod is None:
                    continue  # it was made a moment ago
                raise errors.RoomNotStarted(workspace_id, "its Pod was deleted")
            pod = now
            if pod.stage is Stage.RUNNING:
                return f"{pod.address}:{manifest.PORT}"
            if pod.stage in (Stage.ENDING, Stage.ENDED):
                raise errors.RoomNotStarted(workspace_id, pod.cause or "its Pod was told to end")
            if _is_abandoned(pod):
                await self._remove_abandoned(workspace_id, pod)
            await trouble.look(pod)
        error = await trouble.error(workspace_id, pod)
        if pod is not None and not isinstance(error, errors.RoomStarting):
            # The next attempt makes one of what the settings and the cluster say then.
            await self._remove_pod(workspace_id, pod.uid)
        raise error

    async def holder(self, workspace_id: UUID) -> UUID | None:
        """Return the runner whose Pod has the room, unless it is ending or has ended."""
        pod = await self.known.pod(workspace_id)
        return None if pod is None or pod.stage in (Stage.ENDING, Stage.ENDED) else pod.runner_id

    async def serving(self, workspace_id: UUID) -> UUID | None:
        """Return the runner whose Pod runs."""
        pod = await self.known.pod(workspace_id)
        return None if pod is None or pod.stage is not Stage.RUNNING else pod.runner_id

    async def until_ended(self, runner_id: UUID, workspace_id: UUID) -> None:
        """Raise RoomNotStarted once the runner's Pod has ended."""
        while True:
            async for pod in self.known.follow(workspace_id, seconds=self.patience):
                if pod is None or pod.runner_id != runner_id:
                    raise errors.RoomNotStarted(workspace_id, "its Pod was deleted")
                if pod.stage is Stage.ENDED:
                    raise errors.RoomNotStarted(workspace_id, pod.cause)

    async def discard(self, runner_id: UUID, workspace_id: UUID) -> None:
        """Delete a runner's Pod, however far it is."""
        pod = await self.known.pod(workspace_id)
        if pod is not None and pod.runner_id == runner_id:
            await self._remove_pod(workspace_id, pod.uid)

    async def has_room(self, workspace_id: UUID) -> bool:
        """Whether a workspace has a disk."""
        return await self._claim(workspace_id) is not None

    async def remove_room(self, workspace_id: UUID) -> None:
        """Remove a workspace's disk, and the Pod that uses it. Raises RoomRefused, ServiceUnavailable."""
        name = manifest.name_of(workspace_id)
        try:
            await self.cluster.delete("pods", name)
            await self.cluster.delete("persistentvolumeclaims", name)
        except Refused as refusal:
            raise refused(workspace_id, refusal) from refusal

    async def _claim(self, workspace_id: UUID) -> Object | None:
        try:
            return await self.cluster.get("persistentvolumeclaims", manifest.name_of(workspace_id))
        except Refused as refusal:
            raise refused(workspace_id, refusal) from refusal

    async def _take(self, occupant: Occupant) -> str | None:
        """Create a room's Pod, which is the lock. Returns its uid, None while another has the room."""
        workspace_id = occupant.workspace_id
        pod = await self.known.pod(workspace_id)
        if pod is not None:
            if pod.stage is Stage.ENDED:
                await self._remove_pod(workspace_id, pod.uid)
            elif _is_abandoned(pod):
                await self._remove_abandoned(workspace_id, pod)
            return None  # until the watch has told that it is gone
        try:
            created = await self.cluster.create("pods", manifest.pod(occupant, self.wishes))
        except Refused as refusal:
            if refusal.reason == "AlreadyExists":
                return None
            raise refused(workspace_id, refusal) from refusal
        return str(created["metadata"]["uid"])

    async def _furnish(self, occupant: Occupant, uid: str, files: dict[str, str]) -> None:
        """Give a Pod its disk and its Secret, and let it be scheduled."""
        name = manifest.name_of(occupant.workspace_id)
        try:
            await self.cluster.ensure("persistentvolumeclaims", manifest.claim(occupant, self.wishes))
            await self.cluster.create("secrets", manifest.secret(occupant, uid, files))
            await self.cluster.patch("pods", name, manifest.opening(uid))
        except Refused as refusal:
            raise refused(occupant.workspace_id, refusal) from refusal
        _log.info("room furnished", workspace_id=str(occupant.workspace_id), runner_id=str(occupant.runner_id))

    async def _remove_abandoned(self, workspace_id: UUID, pod: RoomPod) -> None:
        """Delete a Pod that nobody lets start, unless somebody has done so and the watch has not told us yet."""
        await self.cluster.delete("pods", manifest.name_of(workspace_id), pod.uid, pod.version)

    async def _remove_pod(self, workspace_id: UUID, uid: str) -> None:
        await self.cluster.delete("pods", manifest.name_of(workspace_id), uid)


def _is_abandoned(pod: RoomPod) -> bool:
    return pod.stage is Stage.GATED and time.monotonic() - pod.seen > _ABANDONED
