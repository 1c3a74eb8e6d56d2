"""Whatever is rendered is what the oldest and the newest supported Kubernetes, and the operators, take."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import kubernetes_validate
import pytest
import yaml

from tests.support.chart import COMBINATIONS, found
from tests.support.network import ROOM
from tools.render_chart import CHART, NAMESPACE

METADATA = yaml.safe_load((CHART / "Chart.yaml").read_text())
VERSIONS = [METADATA["annotations"][f"stateroom.dev/kubernetes-{age}"] for age in ("oldest", "newest")]
OWN = Path(__file__).parent / "schemas"
"""Of resources that are no part of Kubernetes: small extracts of their definitions, with what the chart uses."""
THEIRS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
IN_NO_NAMESPACE = {"Namespace"}


@cache
def _registry(version: str) -> jsonschema_rs.Registry:
    definitions = json.loads((_folder(version) / "_definitions.json").read_text())
    return jsonschema_rs.Registry([(definitions["$id"], definitions)])


@cache
def _validator(kind: str, api_version: str, version: str) -> Any:
    group, _, own_version = api_version.rpartition("/")
    own = OWN / f"{kind.lower()}.json"
    if own.exists():
        schema = json.loads(own.read_text())
        assert schema["properties"]["apiVersion"]["const"] == api_version
        return jsonschema_rs.validator_for(schema)
    name = "-".join(part for part in (kind.lower(), group.partition(".")[0], own_version) if part)
    schema = json.loads((_folder(version) / f"{name}.json").read_text())
    return jsonschema_rs.validator_for(
        schema | {"$id": "https://kubernetes.io/api/one.json"}, registry=_registry(version)
    )


def _folder(version: str) -> Path:
    return THEIRS / f"v{version}.0-local-strict"


def _problems(one: dict[str, Any], version: str) -> list[str]:
    errors = _validator(one["kind"], one["apiVersion"], version).iter_errors(one)
    place = f"{one['kind']} {one['metadata']['name']}"
    return [f"{place} {'/'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in errors]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("combination", COMBINATIONS)
def test_rendered_objects_are_valid_strictly(combination: str, version: str) -> None:
    """No unknown field, no wrong type, at the oldest version and at the newest."""
    assert [problem for one in found(combination) for problem in _problems(one, version)] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_pod_of_a_room_is_valid_strictly(version: str) -> None:
    """The workspace service makes it, in the same clusters."""
    assert _problems(ROOM, version) == []


def test_validation_of_a_field_that_nobody_knows_refuses_it() -> None:
    """Otherwise the test above would hold nothing."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
    pod["spec"] = {"containers": [{"name": "a", "livenesProbe": {}}]}
    assert "livenesProbe" in "".join(_problems(pod, VERSIONS[0]))


def test_oldest_version_is_the_one_that_helm_asks_for() -> None:
    """`kubeVersion` refuses what was never validated."""
    assert METADATA["kubeVersion"] == f">={VERSIONS[0]}.0-0"


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_objects_have_a_namespace_and_a_name_of_their_own(combination: str) -> None:
    """`kubectl apply` puts them where the chart means them, and none replaces another."""
    named = [
        (one["apiVersion"], one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"])
        for one in found(combination)
    ]
    assert len(named) == len(set(named))
    assert all(namespace in {NAMESPACE, "rooms"} for _, kind, namespace, _ in named if kind not in IN_NO_NAMESPACE)
    assert all(len(name) <= 63 for *_, name in named)
