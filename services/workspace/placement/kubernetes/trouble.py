"""What keeps a room from starting: told while people wait, and as an error when that takes too long."""

from dataclasses import dataclass
from uuid import UUID

from chassis.errors import DomainError
from services.workspace.placement.kubernetes import errors, manifest
from services.workspace.placement.kubernetes.cluster import Cluster, Object, Refused
from services.workspace.placement.kubernetes.pods import RoomPod, Stage
from services.workspace.placement.port import Tell

_LONGEST = 300  # characters of what the cluster says
_STEPS = {
    "Pulling": "Pulling the image",
    "Pulled": "Starting the runner",
    "Scheduled": "Preparing the disk and the image",
    "SuccessfulAttachVolume": "The disk is attached",
}


@dataclass(slots=True)
class Trouble:
    """Follows one start. Events are only asked for while a Pod stays as it is."""

    cluster: Cluster
    tell: Tell
    _said: str = ""
    _before: RoomPod | None = None

    async def look(self, pod: RoomPod) -> None:
        """Tell how far a Pod is, if that is news."""
        step = pod.step
        if pod.complaint is not None:
            step = f"{step}: {pod.cause}"
        elif pod == self._before and pod.stage is Stage.PENDING:
            step = await self._hint(pod) or step
        self._before = pod
        if step != self._said:
            self._said = step
            await self.tell(step[:_LONGEST])

    async def error(self, workspace_id: UUID, pod: RoomPod | None) -> errors.RoomNotStarted:
        """Return why a Pod has not started in time."""
        if pod is None or pod.complaint is None:
            return errors.RoomStarting(workspace_id, self._said or "its Pod is not there yet")
        kind, cause = pod.complaint, pod.cause
        if kind is errors.RoomNotScheduled and (unprovided := await self._disk_trouble(workspace_id)):
            kind, cause = errors.RoomDiskNotProvided, unprovided
        return kind(workspace_id, cause[:_LONGEST])

    async def _hint(self, pod: RoomPod) -> str:
        """Return what the cluster is doing for a Pod, or what it complains about, by the newest event."""
        events = await self._events(pod.uid)
        if not events:
            return ""
        newest = events[-1]
        if newest.get("type") == "Warning":
            return f"{pod.step}: {newest.get('message') or newest.get('reason')}"
        return _STEPS.get(newest.get("reason") or "", "")

    async def _disk_trouble(self, workspace_id: UUID) -> str:
        claim = await self.cluster.get("persistentvolumeclaims", manifest.name_of(workspace_id))
        if claim is None or (claim.get("status") or {}).get("phase") == "Bound":
            return ""
        warnings = [event for event in await self._events(claim["metadata"]["uid"]) if event.get("type") == "Warning"]
        return str(warnings[-1].get("message") or "") if warnings else ""

    async def _events(self, uid: str) -> list[Object]:
        """Return what the cluster says about an object, the newest last; nothing when it does not answer."""
        try:
            return sorted(await self.cluster.events(uid), key=_time)
        except (Refused, DomainError):
            return []


def refused(workspace_id: UUID, refusal: Refused) -> errors.RoomNotStarted:
    """Return the API server's refusal to create something as an error of the room."""
    kind = errors.RoomQuotaExceeded if "exceeded quota" in refusal.message else errors.RoomRefused
    return kind(workspace_id, refusal.message[:_LONGEST] or refusal.reason)


def _time(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")
