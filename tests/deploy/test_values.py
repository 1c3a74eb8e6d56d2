"""Wrong values are refused with a sentence that names them, and what is told and committed fits what is rendered."""

import re
import subprocess
import sys
from typing import Any

import helm_python
import pytest

from tests.support.chart import COMBINATIONS, ROOMS, found, of_kind, pods, rendered
from tools.render_chart import NAMESPACE, NOTES, PLAIN_VALUES, ROOT, render

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"postgresql": {"embedded": "yes"}}, "/postgresql/embedded"),
    ({"postgres": {}}, "'postgres'"),
    ({"defaults": {"replicas": 0}}, "/defaults/replicas"),
    ({"session": {"resources": {"limits": {"memory": "2 gigs"}}}}, "/session/resources/limits/memory"),
    ({"rooms": {"size": "large"}}, "/rooms/size"),
    ({"rooms": {"privateRanges": ["all"]}}, "/rooms/privateRanges/0"),
    ({"gateway": {"host": "https://stateroom.example.com"}}, "/gateway/host"),
    ({"gateway": {"allowedOrigins": ["example.com/"]}}, "/gateway/allowedOrigins/0"),
    ({"execution": {"env": {"execution_limit": "1"}}}, "'execution_limit'"),
    ({"nats": {"streamReplicas": 2}}, "/nats/streamReplicas"),
    ({"logLevel": "debug"}, "/logLevel"),
    ({"signUp": "yes"}, "/signUp"),
]
MISSING: list[tuple[dict[str, Any], str]] = [
    ({"postgresql": {"embedded": False}}, "PostgreSQL: set exactly one of"),
    ({"postgresql": {"embedded": True, "cnpg": {"enabled": True}}}, "PostgreSQL: set exactly one of"),
    ({"nats": {"embedded": False}}, "NATS: set exactly one of"),
    ({"nats": {"embedded": True, "streamReplicas": 3}}, "nats.streamReplicas must be 1"),
    ({"gateway": {"ingress": {"enabled": True}}}, "need gateway.host"),
    ({"gateway": {"host": "a.example.com", "httpRoute": {"enabled": True}}}, "needs gateway.httpRoute.parentRefs"),
    ({"gateway": {"grpcRoute": {"enabled": True}}}, "needs gateway.grpcRoute.host"),
]

REQUESTS = {
    "create": ("create",),
    "ensure": ("create",),
    "get": ("get",),
    "patch": ("patch",),
    "delete": ("delete",),
    "pages": ("list",),
    "watch": ("watch",),
}
"""The verbs that each method of the placement's cluster needs; `events` lists events."""


@pytest.mark.parametrize(("values", "named"), WRONG)
def test_wrong_value_is_refused_and_named(values: dict[str, Any], named: str) -> None:
    """The message has the path of the value, before anything reaches the cluster."""
    with pytest.raises(helm_python.HelmError) as refused:
        render(PLAIN_VALUES | values)
    assert named in str(refused.value)


@pytest.mark.parametrize(("values", "said"), MISSING)
def test_values_that_do_not_go_together_are_refused_with_what_to_set(values: dict[str, Any], said: str) -> None:
    """What a schema cannot say is said in words."""
    with pytest.raises(helm_python.HelmError) as refused:
        render(PLAIN_VALUES | values)
    assert said in str(refused.value)


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_notes_tell_how_the_first_user_is_made(combination: str) -> None:
    """Where the token is, unless everybody may make users."""
    notes = rendered(combination)[NOTES]
    secret = COMBINATIONS[combination].get("keys", {}).get("existingSecret", "stateroom-keys")
    assert (f"get secret {secret}" in notes) is (combination != "alone")
    assert ("WARNING: networkPolicy" in notes) is (combination == "alone")


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_role_of_the_workspace_service_is_for_what_it_does_with_rooms(combination: str) -> None:
    """In the rooms' namespace, the requests that the code makes, and no others: it never reads a Secret."""
    (role,) = (one for one in of_kind(combination, "Role") if one["metadata"]["name"].endswith("-rooms"))
    allowed = {(resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    folder = ROOT / "services" / "workspace" / "placement" / "kubernetes"
    code = "".join(file.read_text() for file in folder.glob("*.py"))
    made = {
        (resource, verb)
        for call, resource in re.findall(r'cluster\.(\w+)\(\s*"(\w+)"', code)
        for verb in REQUESTS[call]
    }
    assert allowed == made | {("events", "list")}
    assert role["metadata"]["namespace"] == ROOMS.get(combination, NAMESPACE)
    assert of_kind(combination, "ClusterRole", "ClusterRoleBinding") == []


def test_namespace_of_rooms_stays_when_the_release_goes() -> None:
    """The rooms' disks are in it, and their Pods must be restricted."""
    (namespace,) = of_kind("external", "Namespace")
    assert namespace["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_only_our_images_are_needed_to_try_it_out() -> None:
    """With the embedded servers, nothing else is pulled."""
    images = {container["image"] for pod in pods("trying") for container in pod.containers}
    assert images == {"stateroom/services:0.1.0"}


def test_rendering_again_makes_the_same() -> None:
    """Nothing random is in the templates: applying them again changes nothing."""
    assert render(COMBINATIONS["operators"]) == rendered("operators")


def test_no_secret_is_rendered() -> None:
    """Keys and passwords are made in the cluster, and never lie in a release or a manifest."""
    assert [one for name in COMBINATIONS for one in found(name) if one["kind"] == "Secret"] == []


def test_helm_test_asks_whether_all_is_ready() -> None:
    """`helm test` runs one Pod, which fails unless the gateway reaches every service."""
    (pod,) = (pod for pod in pods("trying") if pod.owner["kind"] == "Pod")
    assert pod.owner["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert "http://stateroom-gateway:8080/readyz" in pod.main["command"][2]


def test_plain_manifests_are_what_the_chart_renders() -> None:
    """Whoever has no Helm installs the same."""
    found = subprocess.run([sys.executable, "-m", "tools.render_chart", "--check"], cwd=ROOT, check=False)
    assert found.returncode == 0
