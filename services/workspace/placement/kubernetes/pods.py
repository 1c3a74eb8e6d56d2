"""What matters of a room's Pod: a few words of thousands, because all rooms of the installation are kept in mind."""

import time
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

from services.workspace.placement.kubernetes import errors, manifest
from services.workspace.placement.kubernetes.cluster import Object

WAITING, PREPARING, STARTING = "Waiting for a node", "Preparing the disk and the image", "Starting the runner"
"""Steps that people see."""
_PULLED_NOT = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
)
_NOT_BEGUN = frozenset({"", "ContainerCreating", "PodInitializing"})


class Stage(Enum):
    """How far a Pod is."""

    GATED = "GATED"
    """It holds its room, and is not to start yet."""
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    ENDING = "ENDING"
    """It was told to end, by us, a drain or an eviction, and may still run."""
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class RoomPod:
    """A room's Pod. `complaint` is why it does not start, as an error to raise; `cause` is what the cluster says."""

    uid: str
    version: str
    workspace_id: UUID
    runner_id: UUID
    stage: Stage
    address: str
    step: str
    complaint: type[errors.RoomNotStarted] | None
    cause: str
    seen: float = field(default_factory=time.monotonic, compare=False)


def read(found: Object) -> RoomPod:
    """Return what matters of a Pod. KeyError, ValueError for one that somebody else labelled like ours."""
    meta, status = found["metadata"], found.get("status") or {}
    stage = _stage(found)
    complaint, cause = _complaint(found, stage)
    address = status.get("podIP") or ""
    return RoomPod(
        uid=meta["uid"],
        version=meta["resourceVersion"],
        workspace_id=UUID(meta["labels"][manifest.WORKSPACE]),
        runner_id=UUID(meta["labels"][manifest.RUNNER]),
        stage=stage,
        address=f"[{address}]" if ":" in address else address,
        step=_step(found, stage),
        complaint=complaint,
        cause=cause,
    )


def _stage(found: Object) -> Stage:
    phase = (found.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        return Stage.ENDED
    if "deletionTimestamp" in found["metadata"]:
        return Stage.ENDING
    if found["spec"].get("schedulingGates"):
        return Stage.GATED
    return Stage.RUNNING if phase == "Running" and found["status"].get("podIP") else Stage.PENDING


def _step(found: Object, stage: Stage) -> str:
    if stage is Stage.RUNNING:
        return STARTING
    return PREPARING if found["spec"].get("nodeName") else WAITING


def _complaint(found: Object, stage: Stage) -> tuple[type[errors.RoomNotStarted] | None, str]:
    """Return what keeps a Pod from running, as far as the Pod itself says."""
    status = found.get("status") or {}
    containers: list[Object] = status.get("containerStatuses") or [{}]
    container = containers[0].get("state") or {}
    if stage is Stage.ENDED:
        ended = container.get("terminated") or {}
        said = [status.get("reason"), status.get("message"), ended.get("reason"), ended.get("message")]
        code = f"exit code {ended['exitCode']}" if "exitCode" in ended else ""
        return errors.RoomNotStarted, ", ".join(filter(None, (*said, code))) or "it ended"
    waiting = container.get("waiting") or {}
    if (reason := waiting.get("reason") or "") not in _NOT_BEGUN:
        kind = errors.RoomImageNotPulled if reason in _PULLED_NOT else errors.RoomNotStarted
        return kind, waiting.get("message") or reason
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return errors.RoomNotScheduled, condition.get("message") or "Unschedulable"
    return None, ""
