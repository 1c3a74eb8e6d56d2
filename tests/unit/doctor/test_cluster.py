"""What the doctor says about a cluster, by what was read of it."""

from typing import Any

import pytest

from doctor.cluster.findings import judged
from doctor.cluster.seen import COMPONENT, NAME, Object, Seen
from doctor.finding import Finding, Verdict

_IMAGE = "stateroom/services:1"


def _object(name: str, *, of: str = "stateroom", **parts: Any) -> Object:
    meta = {"name": name, "namespace": "there", "uid": f"uid of {name}", "labels": {NAME: of, COMPONENT: "workspace"}}
    return {"metadata": meta, **parts}


def _deployment(ready: int, **status: Any) -> Object:
    container = {"name": "workspace", "image": _IMAGE, "env": [{"name": "PLACEMENT", "value": "kubernetes"}]}
    volume = {"name": "keys", "secret": {"secretName": "the-keys"}}
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": {COMPONENT: "workspace"}},
        "template": {"spec": {"containers": [container], "volumes": [volume]}},
    }
    return _object("workspace", spec=spec, status={"readyReplicas": ready, **status})


def _pod(name: str = "pod", *, of: str = "stateroom", image: str = _IMAGE, **status: Any) -> Object:
    return _object(name, of=of, spec={"containers": [{"name": "main", "image": image}]}, status=status)


def _waiting(reason: str, message: str = "", **more: Any) -> Object:
    state = {"name": "main", "state": {"waiting": {"reason": reason, "message": message}}, **more}
    return {"containerStatuses": [state]}


def _default_class() -> Object:
    return {"metadata": {"name": "disks", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}


def _seen(**objects: list[Object]) -> Seen:
    well = {
        "deployments": [_deployment(2)],
        "secrets": [_object("the-keys")],
        "storageclasses": [_default_class()],
    }
    return Seen("there", "there", well | objects)


def _wrong(seen: Seen) -> list[Finding]:
    return [finding for finding in judged(seen) if finding.verdict is not Verdict.GOOD]


def test_judged_of_an_installation_that_is_well_finds_nothing_wrong() -> None:
    """Everything that was looked at is named nevertheless."""
    seen = _seen(pods=[_pod()])
    assert _wrong(seen) == []
    assert {finding.subject for finding in judged(seen)} >= {"workspace", "secrets", "versions", "rooms"}


@pytest.mark.parametrize(
    ("status", "words", "advice"),
    [
        (_waiting("ImagePullBackOff", "no such image"), "no such image", "images.services"),
        (_waiting("CreateContainerConfigError", 'secret "x" not found'), 'secret "x" not found', "Secret"),
        (
            _waiting("CrashLoopBackOff", lastState={"terminated": {"reason": "Error", "exitCode": 3}}),
            "it ends with exit code 3",
            "logs pod -c main --previous",
        ),
        (
            _waiting("CrashLoopBackOff", lastState={"terminated": {"reason": "OOMKilled", "exitCode": 137}}),
            "OOMKilled",
            "memory",
        ),
        (
            {
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
                ]
            },
            "Unschedulable: 0/1 nodes",
            "nodes",
        ),
        (
            {"initContainerStatuses": [{"name": "schema", "state": {"running": {}}}]},
            "until the database has its schema",
            "migrations",
        ),
    ],
)
def test_judged_of_pods_that_do_not_start_says_why_and_what_to_do(status: Object, words: str, advice: str) -> None:
    """In the cluster's own words; with no replica at all it does not work."""
    (finding,) = _wrong(_seen(deployments=[_deployment(0)], pods=[_pod(**status)]))
    assert (finding.subject, finding.verdict) == ("workspace", Verdict.MISSING)
    assert words in finding.said
    assert advice in finding.advice


def test_judged_of_one_replica_of_two_is_degraded() -> None:
    """It works, and has nothing to spare."""
    (finding,) = _wrong(_seen(deployments=[_deployment(1)], pods=[_pod(**_waiting("ErrImagePull"))]))
    assert finding.verdict is Verdict.DEGRADED
    assert "1 of 2 replicas are ready" in finding.said


def test_judged_of_pods_that_are_refused_says_what_the_cluster_says() -> None:
    """There is no Pod to look at then."""
    refusal = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}
    (finding,) = _wrong(_seen(deployments=[_deployment(0, conditions=[refusal])]))
    assert "exceeded quota" in finding.said


def test_judged_of_a_complaint_from_before_the_container_came_up_does_not_repeat_it() -> None:
    """Events stay for an hour; what they tell may be over."""
    running = {"name": "main", "state": {"running": {"startedAt": "2026-01-01T00:00:09Z"}}}
    pod = _pod(containerStatuses=[running])
    old, new = (
        {
            "metadata": {"creationTimestamp": f"2026-01-01T00:00:0{second}Z"},
            "involvedObject": {"uid": pod["metadata"]["uid"]},
            "type": "Warning",
            "reason": reason,
        }
        for second, reason in ((1, "FailedMount"), (9, "Unhealthy"))
    )
    (before,) = _wrong(_seen(deployments=[_deployment(0)], pods=[pod], events=[old]))
    (after,) = _wrong(_seen(deployments=[_deployment(0)], pods=[pod], events=[old, new]))
    assert "FailedMount" not in before.said
    assert "Unhealthy" in after.said


def test_judged_of_a_job_that_failed_says_so() -> None:
    """Services wait for it."""
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "too often"}
    spec = {"selector": {"matchLabels": {"job": "migrate"}}, "template": {"spec": {"containers": []}}}
    (finding,) = _wrong(_seen(jobs=[_object("migrate", spec=spec, status={"conditions": [failed]})]))
    assert (finding.subject, finding.verdict) == ("migrate", Verdict.MISSING)
    assert "too often" in finding.said


def test_judged_of_a_secret_that_is_not_there_names_who_wants_it() -> None:
    """Nothing of what Secrets hold is looked at."""
    (finding,) = _wrong(_seen(secrets=[]))
    assert (finding.subject, finding.verdict) == ("the-keys", Verdict.MISSING)
    assert "workspace" in finding.said


def test_judged_of_two_images_says_who_runs_which() -> None:
    """As while an upgrade is stuck."""
    (finding,) = _wrong(_seen(pods=[_pod("old"), _pod("new", image="stateroom/services:2")]))
    assert (finding.subject, finding.verdict) == ("versions", Verdict.DEGRADED)
    assert "stateroom/services:2" in finding.said


def test_judged_of_rooms_that_cannot_start_tells_each_reason_once() -> None:
    """A thousand rooms may have the same trouble."""
    rooms = [_pod(f"room-{number}", of="stateroom-room", **_waiting("ImagePullBackOff", "gone")) for number in range(9)]
    (finding,) = _wrong(_seen(pods=rooms))
    assert (finding.subject, finding.verdict) == ("rooms", Verdict.MISSING)
    assert "room-2 and 6 more: container main: ImagePullBackOff: gone" in finding.said


def test_judged_of_a_claim_without_a_disk_says_why() -> None:
    """By what the cluster said last about the claim."""
    claim = _object("data", spec={}, status={"phase": "Pending"})
    event = {
        "metadata": {},
        "involvedObject": {"uid": claim["metadata"]["uid"]},
        "type": "Warning",
        "reason": "ProvisioningFailed",
        "message": "no such class",
    }
    (finding,) = _wrong(_seen(claims=[claim], events=[event]))
    assert (finding.subject, finding.verdict) == ("data", Verdict.MISSING)
    assert "no such class" in finding.said


def test_judged_without_a_storage_class_for_rooms_says_so() -> None:
    """Unless somebody gives disks to claims that name no class."""
    (finding,) = _wrong(_seen(storageclasses=[]))
    assert (finding.subject, finding.verdict) == ("storage class", Verdict.MISSING)
    bound = _object("data", spec={}, status={"phase": "Bound"})
    assert [each.verdict for each in _wrong(_seen(storageclasses=[], claims=[bound]))] == [Verdict.DEGRADED]
