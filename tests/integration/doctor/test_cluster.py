"""The doctor reads the manifests' objects of a cluster by its API server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from doctor.cluster.findings import findings
from doctor.finding import Finding, Verdict
from tests.support.cluster.cluster import Cluster, running_cluster

_NAMESPACE = "stateroom"
_KINDS = {"Deployment": "deployments", "StatefulSet": "statefulsets"}


@pytest_asyncio.fixture
async def cluster(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    """Return a cluster in which somebody has applied the manifests, and nothing has come up yet."""
    manifests = yaml.load_all(Path("deploy/k8s/plain/stateroom.yaml").read_text(), yaml.CSafeLoader)
    async with running_cluster(is_real=False) as cluster:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
        for found in manifests:
            if found["kind"] in _KINDS:
                cluster.objects.create(_KINDS[found["kind"]], _NAMESPACE, found)
        yield cluster


async def _wrong() -> dict[str, Finding]:
    found = await findings(_NAMESPACE)
    return {finding.subject: finding for finding in found if finding.verdict is not Verdict.GOOD}


async def test_findings_of_manifests_without_anything_else_name_what_is_missing(cluster: Cluster) -> None:
    """Replicas, Secrets and a StorageClass; and only what the manifests name."""
    wrong = await _wrong()
    deployments = {f"stateroom-{name}" for name in ("audit", "execution", "gateway", "session", "workspace")}
    servers = {"stateroom-nats", "stateroom-postgresql"}
    # The Secret of PostgreSQL has the name of its StatefulSet, as that of NATS.
    assert wrong.keys() == deployments | servers | {"stateroom-keys", "storage class"}
    assert {finding.verdict for finding in wrong.values()} == {Verdict.MISSING}
    assert not any(request.startswith(("POST", "PUT", "PATCH", "DELETE")) for request in cluster.api.requests)


async def test_findings_hold_metrics_of_pods_against_their_limits(cluster: Cluster) -> None:
    """They come by the API server's proxy; those of a ready Pod that tells none are missed."""
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    for name in ("late", "silent"):
        spec = {"containers": [{"name": "main", "image": "services:1", "ports": [{"containerPort": 9100}]}]}
        meta = {"name": name, "labels": {"app.kubernetes.io/name": "stateroom"}}
        cluster.objects.create("pods", _NAMESPACE, {"metadata": meta, "spec": spec, "status": ready})
    cluster.api.pages["late"] = 'stateroom_consumer_lag_changes{source="workspace"} 5000\n'
    wrong = await _wrong()
    assert "5,000 changes behind workspace" in wrong["late"].said
    assert "connection refused" in wrong["silent"].said


async def test_findings_without_a_right_say_which_and_look_at_the_rest(cluster: Cluster) -> None:
    """Whoever asks may not read Secrets, for one."""
    cluster.api.forbidden |= {"secrets", "storageclasses"}
    found = await findings(_NAMESPACE)
    denied = [finding.said for finding in found if finding.subject == "cluster"]
    assert [said.partition(" ")[0] for said in denied] == ["secrets", "storageclasses"]
    assert "stateroom-session" in {finding.subject for finding in found}


async def test_findings_of_a_cluster_that_does_not_answer_say_so(cluster: Cluster) -> None:
    """Nothing is known then."""
    await cluster.go_away()
    (finding,) = await findings("")
    assert (finding.subject, finding.verdict) == ("cluster", Verdict.MISSING)
    assert "does not answer" in finding.said


@pytest.mark.usefixtures("cluster")
async def test_findings_of_a_namespace_without_stateroom_say_so() -> None:
    """The namespace is that of the kubeconfig unless another is named."""
    (finding,) = await findings("")
    assert "no Stateroom is in the namespace rooms" in finding.said


async def test_findings_without_a_kubeconfig_say_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is the first thing to go wrong."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    (finding,) = await findings("")
    assert finding.advice == "set KUBECONFIG"
