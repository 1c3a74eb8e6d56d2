"""What is read of a room's Pod: how far it is, where, and what the cluster has against it."""

from typing import Any

import pytest

from chassis import ids
from services.workspace.placement.kubernetes import errors, manifest, pods
from services.workspace.placement.kubernetes.manifest import Occupant, Wishes
from services.workspace.placement.kubernetes.pods import Stage
from tests.support.cluster.strict import unknown_fields

OCCUPANT = Occupant(ids.new(), ids.new(), ids.new())


def _pod(*, is_open: bool = True, deleted: bool = False, **status: Any) -> Any:
    found = manifest.pod(OCCUPANT, Wishes("image")) | {"status": {"phase": "Pending"} | status}
    found["metadata"] |= {"uid": "uid", "resourceVersion": "7"}
    if is_open:
        del found["spec"]["schedulingGates"]
    if deleted:
        found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return found


def _waiting(reason: str, message: str = "") -> list[dict[str, Any]]:
    return [{"name": "runner", "state": {"waiting": {"reason": reason, "message": message}}}]


def _ended(**how: object) -> list[dict[str, Any]]:
    return [{"name": "runner", "state": {"terminated": how}}]


@pytest.mark.parametrize(
    ("found", "stage"),
    [
        (_pod(is_open=False), Stage.GATED),
        (_pod(), Stage.PENDING),
        (_pod(phase="Running"), Stage.PENDING),
        (_pod(phase="Running", podIP="10.0.0.1"), Stage.RUNNING),
        (_pod(phase="Running", podIP="10.0.0.1", deleted=True), Stage.ENDING),
        (_pod(phase="Failed", deleted=True), Stage.ENDED),
        (_pod(phase="Succeeded"), Stage.ENDED),
    ],
    ids=["gated", "new", "without address", "running", "deleted", "failed", "succeeded"],
)
def test_read_of_a_pod_tells_how_far_it_is(found: Any, stage: Stage) -> None:
    """A Pod runs once it can be called, and one that was told to end has its room until it has ended."""
    read = pods.read(found)
    assert (read.stage, read.runner_id, read.workspace_id) == (stage, OCCUPANT.runner_id, OCCUPANT.workspace_id)


@pytest.mark.parametrize(
    ("found", "complaint", "cause"),
    [
        (_pod(containerStatuses=_waiting("ContainerCreating")), None, ""),
        (_pod(containerStatuses=_waiting("ErrImagePull", "no such image")), errors.RoomImageNotPulled, "no such image"),
        (_pod(containerStatuses=_waiting("InvalidImageName")), errors.RoomImageNotPulled, "InvalidImageName"),
        (_pod(containerStatuses=_waiting("CreateContainerError", "no runtime")), errors.RoomNotStarted, "no runtime"),
        (
            _pod(phase="Failed", containerStatuses=_ended(reason="OOMKilled", exitCode=137)),
            errors.RoomNotStarted,
            "OOMKilled, exit code 137",
        ),
        (
            _pod(phase="Failed", reason="Evicted", message="low on memory"),
            errors.RoomNotStarted,
            "Evicted, low on memory",
        ),
    ],
    ids=["none", "pull", "name", "container", "killed", "evicted"],
)
def test_read_of_a_pod_in_trouble_tells_what_the_cluster_says(found: Any, complaint: Any, cause: str) -> None:
    """The reason decides about the error, and the message is the cluster's own."""
    read = pods.read(found)
    assert (read.complaint, read.cause) == (complaint, cause)


def test_read_of_an_address_of_ip_version_six_has_brackets() -> None:
    """A port follows."""
    assert pods.read(_pod(phase="Running", podIP="fd00::1")).address == "[fd00::1]"


def test_read_of_a_pod_that_lacks_our_labels_is_refused() -> None:
    """Somebody else's Pod may have the label that we look for."""
    found = _pod()
    del found["metadata"]["labels"][manifest.RUNNER]
    with pytest.raises(KeyError):
        pods.read(found)


def test_manifests_with_every_wish_have_only_fields_of_kubernetes() -> None:
    """A server that is asked to be strict takes them."""
    wishes = Wishes(
        "image",
        storage_class="fast",
        runtime_class="gvisor",
        pull_secret="registry",
        node_selector={"disk": "ssd"},
        requests={"cpu": "100m"},
        limits={"memory": "1Gi"},
        environment={"LOG_LEVEL": "INFO"},
    )
    assert [*unknown_fields(manifest.pod(OCCUPANT, wishes), "V1Pod")] == []
    assert [*unknown_fields(manifest.claim(OCCUPANT, wishes), "V1PersistentVolumeClaim")] == []
    assert [*unknown_fields(manifest.secret(OCCUPANT, "uid", {"token": "t"}), "V1Secret")] == []
