"""Why a Pod is not ready, in the cluster's own words."""

from collections.abc import Iterator
from dataclasses import dataclass

from doctor.cluster.seen import Object, Seen, name_of, said

_BEGINS = frozenset({"", "ContainerCreating", "PodInitializing"})
_SCHEMA = "schema"
"""The init container that waits for migrations."""
_IMAGES = (
    "put the image where the nodes find it, or set images.services, images.runner, images.pullSecrets and "
    "rooms.pullSecret"
)
_ADVICE = {
    "ErrImagePull": _IMAGES,
    "ImagePullBackOff": _IMAGES,
    "InvalidImageName": _IMAGES,
    "ErrImageNeverPull": _IMAGES,
    "Unschedulable": "give the nodes room, or ask for less by `resources`; nodeSelector and disks bind Pods to nodes",
    "OOMKilled": "raise the limit of memory in `resources`",
    "Evicted": "see what fills the node; raise the requests in `resources`",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why, and what to do."""

    said: str
    advice: str


def is_ready(pod: Object) -> bool:
    """Whether a Pod serves."""
    return any(each["type"] == "Ready" and each["status"] == "True" for each in _conditions(pod))


def is_over(pod: Object) -> bool:
    """Whether a Pod has ended, or was told to."""
    return "deletionTimestamp" in pod["metadata"] or _status(pod).get("phase") in ("Succeeded", "Failed")


def cause(seen: Seen, pod: Object) -> Cause | None:
    """Return why a Pod is not ready, None when the cluster names no reason."""
    if found := _of_containers(pod) or _of_scheduler(pod):
        return found
    if _waits_for_schema(pod):
        return Cause("it waits until the database has its schema", "see the Job for migrations")
    if warning := seen.warning(pod, _began(pod)):
        return Cause(warning, _log(pod) if warning.startswith("Unhealthy") else _described(pod))
    status = _status(pod)
    return Cause(said(status), _ADVICE.get(status.get("reason", ""), _log(pod))) if said(status) else None


def _of_containers(pod: Object) -> Cause | None:
    for stated, container in _states(pod):
        if stated.get("reason") in ("CreateContainerConfigError", "CreateContainerError"):
            return Cause(said(stated), "make what it names: a Secret or an entry of one (docs/kubernetes.md, Keys)")
        advice = _ADVICE.get(stated.get("reason", ""), _log(pod, container, "--previous"))
        return Cause(f"container {container}: {said(stated)}", advice)
    return None


def _of_scheduler(pod: Object) -> Cause | None:
    for condition in _conditions(pod):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return Cause(said(condition), _ADVICE.get(condition.get("reason", ""), _described(pod)))
    return None


def _states(pod: Object) -> Iterator[tuple[Object, str]]:
    """Yield what keeps containers from running: why each waits, or how it ended."""
    for container in (*_status(pod).get("initContainerStatuses", ()), *_status(pod).get("containerStatuses", ())):
        state, last = container.get("state", {}), (container.get("lastState") or {}).get("terminated") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        if waiting.get("reason") == "CrashLoopBackOff" and last:
            yield {"reason": _ending(last), "message": last.get("message")}, container["name"]
        elif waiting.get("reason", "") not in _BEGINS:
            yield waiting, container["name"]
        elif ended.get("exitCode"):
            yield {"reason": _ending(ended), "message": ended.get("message")}, container["name"]


def _ending(ended: Object) -> str:
    """Return why a container ended: the exit code says more than the reason `Error`."""
    reason = ended.get("reason", "Error")
    return f"it ends with exit code {ended.get('exitCode')}" if reason == "Error" else str(reason)


def _began(pod: Object) -> str:
    """Return when the last container came up: what was complained about before is over."""
    states = (each.get("state") or {} for each in _status(pod).get("containerStatuses", ()))
    return max((state["running"].get("startedAt", "") for state in states if "running" in state), default="")


def _waits_for_schema(pod: Object) -> bool:
    containers = _status(pod).get("initContainerStatuses", ())
    return any(each["name"] == _SCHEMA and "running" in (each.get("state") or {}) for each in containers)


def _log(pod: Object, container: str = "", *options: str) -> str:
    where = f"kubectl -n {pod['metadata']['namespace']} logs {name_of(pod)}"
    return "see `" + " ".join([where, *([f"-c {container}"] if container else []), *options]) + "`"


def _described(pod: Object) -> str:
    return f"see `kubectl -n {pod['metadata']['namespace']} describe pod {name_of(pod)}`"


def _status(pod: Object) -> Object:
    return pod.get("status") or {}


def _conditions(pod: Object) -> list[Object]:
    return _status(pod).get("conditions") or []
