"""Every Pod of the chart is one that Pod Security "restricted" admits, and what is said about it meets."""

from typing import Any

import pytest

from chassis.service import LAST
from tests.support.chart import COMBINATIONS, Pod, of_kind, pods, selects
from tools.render_chart import objects, render


def _each(*kinds: str) -> list[Any]:
    return [
        pytest.param(combination, pod, id=f"{combination}-{pod.component}")
        for combination in COMBINATIONS
        for pod in pods(combination)
        if pod.owner["kind"] in kinds
    ]


DEPLOYED = _each("Deployment")
LASTING = [*DEPLOYED, *_each("StatefulSet")]
EVERY = [*LASTING, *_each("Job", "Pod")]
_TALK_TO_THE_API = {"workspace", "keys"}


@pytest.mark.parametrize(("combination", "pod"), EVERY)
def test_pod_is_restricted(combination: str, pod: Pod) -> None:
    """No root, no capability, no way to get one, the runtime's seccomp profile, nothing of the node, root read-only."""
    security = pod.spec["securityContext"]
    assert security["runAsNonRoot"] is True
    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (10001, 10001, 10001)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & pod.spec.keys()
    assert all({"emptyDir", "secret"} & volume.keys() for volume in pod.spec.get("volumes", []))
    for container in pod.containers:
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        assert own["readOnlyRootFilesystem"] is True
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert not {"privileged", "runAsUser", "procMount"} & own.keys()
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}  # noqa: S108  # of the Pod


@pytest.mark.parametrize(("combination", "pod"), EVERY)
def test_pod_has_a_token_only_where_it_talks_to_the_cluster(combination: str, pod: Pod) -> None:
    """What a taken-over process could do in the cluster is nothing, but for those that have a Role."""
    assert pod.spec["automountServiceAccountToken"] is (pod.component in _TALK_TO_THE_API)
    assert pod.spec["enableServiceLinks"] is False
    accounts = {one["metadata"]["name"]: one for one in of_kind(combination, "ServiceAccount")}
    assert accounts[pod.spec["serviceAccountName"]]["automountServiceAccountToken"] is False
    bound = {one["subjects"][0]["name"] for one in of_kind(combination, "RoleBinding")}
    assert (pod.spec["serviceAccountName"] in bound) is (pod.component in _TALK_TO_THE_API)


@pytest.mark.parametrize(("combination", "pod"), EVERY)
def test_pod_says_what_it_needs_and_may_use(combination: str, pod: Pod) -> None:
    """Requests and limits of processor time and memory, everywhere."""
    for container in pod.containers:
        resources = container["resources"]
        assert resources["requests"].keys() == resources["limits"].keys() == {"cpu", "memory"}
    assert all("sizeLimit" in volume["emptyDir"] for volume in pod.spec.get("volumes", []) if "emptyDir" in volume)


@pytest.mark.parametrize(("combination", "pod"), LASTING)
def test_lasting_pod_is_probed_at_its_own_ports(combination: str, pod: Pod) -> None:
    """It is watched from its start on, and life and readiness are asked apart."""
    probes = {kind: pod.main[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")}
    for probe in probes.values():
        (how,) = {"grpc", "httpGet", "tcpSocket"} & probe.keys()
        assert probe[how]["port"] in pod.ports.values()
    if "grpc" in probes["liveness"]:
        assert [probes[kind]["grpc"]["service"] for kind in ("startup", "liveness", "readiness")] == [
            "live",
            "live",
            "",
        ]
    if pod.component == "gateway":
        assert [probes[kind]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")] == [
            "/healthz",
            "/healthz",
            "/readyz",
        ]


def _environment(pod: Pod) -> dict[str, Any]:
    return {entry["name"]: entry.get("value") for entry in pod.main.get("env", [])}


@pytest.mark.parametrize(("combination", "pod"), DEPLOYED)
def test_pod_is_given_the_time_that_it_takes_to_stop(combination: str, pod: Pod) -> None:
    """What the cluster waits for before it kills is more than a process ever takes to stop in order."""
    environment = _environment(pod)
    taken = pod.main["lifecycle"]["preStop"]["sleep"]["seconds"]
    taken += float(environment["DRAIN_SECONDS"]) + float(environment["STOP_GRACE_SECONDS"]) + LAST
    assert pod.spec["terminationGracePeriodSeconds"] > taken
    readiness = pod.main["readinessProbe"]
    assert float(environment["DRAIN_SECONDS"]) >= readiness["periodSeconds"]


@pytest.mark.parametrize(("combination", "pod"), _each("StatefulSet"))
def test_embedded_server_is_given_the_time_that_it_takes_to_stop(combination: str, pod: Pod) -> None:
    """A database that is killed while it stops has to recover at the next start."""
    assert pod.spec["terminationGracePeriodSeconds"] >= float(_environment(pod)["STOP_GRACE_SECONDS"]) + 10


@pytest.mark.parametrize(("combination", "pod"), DEPLOYED)
def test_pods_of_a_deployment_are_replaced_one_more_at_a_time(combination: str, pod: Pod) -> None:
    """An upgrade takes nothing away before what replaces it is ready, and replicas are spread."""
    spec = pod.owner["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    spread = pod.spec["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    assert all(selects(each["labelSelector"], pod.labels) for each in spread)


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_deployment_has_one_budget_and_one_that_counts_its_replicas(combination: str) -> None:
    """Two autoscalers of one Deployment fight, and with any of them the number of replicas is not the chart's."""
    scaled = [
        one["spec"]["scaleTargetRef"]["name"] for one in of_kind(combination, "HorizontalPodAutoscaler", "ScaledObject")
    ]
    assert len(scaled) == len(set(scaled))
    budgets = of_kind(combination, "PodDisruptionBudget")
    for one in of_kind(combination, "Deployment"):
        assert ("replicas" in one["spec"]) is (one["metadata"]["name"] not in scaled)
        labels = one["spec"]["template"]["metadata"]["labels"]
        assert len([budget for budget in budgets if selects(budget["spec"]["selector"], labels)]) == 1


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_selectors_and_ports_meet(combination: str) -> None:
    """Each Service, budget and policy selects Pods there are, and the ports of Services are theirs."""
    everybody = pods(combination)
    for one in of_kind(combination, "Service"):
        chosen = [pod for pod in everybody if selects({"matchLabels": one["spec"]["selector"]}, pod.labels)]
        assert len(chosen) == 1, one["metadata"]["name"]
        for port in one["spec"]["ports"]:
            assert chosen[0].ports[port["targetPort"]] == port["port"]
    for one in of_kind(combination, "Deployment", "StatefulSet", "PodDisruptionBudget", "NetworkPolicy"):
        selector = one["spec"].get("selector") or one["spec"]["podSelector"]
        chosen = [pod for pod in everybody if selects(selector, pod.labels)]
        assert chosen or one["metadata"]["name"].endswith("-rooms"), one["metadata"]["name"]


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_routes_lead_to_ports_of_services(combination: str) -> None:
    """An Ingress and the Routes name Services and ports there are."""
    ports = {
        (one["metadata"]["name"], key)
        for one in of_kind(combination, "Service")
        for port in one["spec"]["ports"]
        for key in (port["name"], port["port"])
    }
    for one in of_kind(combination, "HTTPRoute", "GRPCRoute"):
        for rule in one["spec"]["rules"]:
            assert {(end["name"], end["port"]) for end in rule["backendRefs"]} <= ports
    for one in of_kind(combination, "Ingress"):
        for rule in one["spec"]["rules"]:
            (path,) = rule["http"]["paths"]
            assert (path["backend"]["service"]["name"], path["backend"]["service"]["port"]["name"]) in ports
    if combination == "operators":
        assert {one["kind"] for one in of_kind(combination, "HTTPRoute", "GRPCRoute", "Ingress")} == {
            "HTTPRoute",
            "GRPCRoute",
            "Ingress",
        }


def test_job_that_would_do_something_else_has_another_name() -> None:
    """A Job cannot be changed, so an upgrade makes a new one, and whoever applies the same again changes nothing."""
    names = {one["metadata"]["name"] for one in of_kind("trying", "Job")}
    newer = objects(render(COMBINATIONS["trying"] | {"images": {"services": "stateroom/services:9.9.9"}}))
    assert len(names) == 2
    assert {one["metadata"]["name"] for one in of_kind("alone", "Job")} == names
    assert not names & {one["metadata"]["name"] for one in newer if one["kind"] == "Job"}
