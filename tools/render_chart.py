"""Render the chart: `deploy/k8s/plain/stateroom.yaml` for `kubectl apply -f`, and the list of services a GRPCRoute has.

With `--check`, fail if what is committed is something else.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import helm_python
import yaml

from gateway.transcode.schema import Schema, installed_contracts

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "deploy" / "k8s" / "stateroom"
PLAIN = ROOT / "deploy" / "k8s" / "plain" / "stateroom.yaml"
SERVICES = CHART / "files" / "grpc-services.yaml"
NAMESPACE = "stateroom"
PLAIN_VALUES = {"postgresql": {"embedded": True}, "nats": {"embedded": True}}
"""What the plain manifests are for: to try it out without Helm."""
NOTES = "NOTES.txt"
_ORDER = ("Namespace", "ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Service", "NetworkPolicy", "Job")
"""Kinds that others need come first."""
_HEADER = """\
# What `helm template stateroom deploy/k8s/stateroom --namespace stateroom --set postgresql.embedded=true
# --set nats.embedded=true` renders, made by tools/render_chart.py; never edited. To try Stateroom out:
#   kubectl apply -f deploy/k8s/plain/stateroom.yaml
"""

Object = dict[str, Any]


def render(values: Mapping[str, Any], namespace: str = NAMESPACE, name: str = "stateroom") -> dict[str, str]:
    """Return what a release's templates become, by their file names.

    Raises:
        helm_python.HelmError: the values are wrong, with the reason.
    """
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(dict(values))
        rendered = chart.render(dict(values), name=name, namespace=namespace)
    return {path.partition("/templates/")[2]: text for path, text in rendered.items()}


def objects(rendered: Mapping[str, str]) -> list[Object]:
    """Return the objects of what was rendered."""
    texts = [text for path, text in sorted(rendered.items()) if path != NOTES]
    return [found for text in texts for found in yaml.safe_load_all(text) if found]


def plain() -> str:
    """Return the plain manifests."""
    rendered = {path: text for path, text in render(PLAIN_VALUES).items() if not path.startswith("tests/")}
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    found = sorted([namespace, *objects(rendered)], key=lambda one: (_place(one["kind"]), one["metadata"]["name"]))
    text: str = yaml.safe_dump_all(found, explicit_start=True, sort_keys=False, width=120)
    return _HEADER + text


def grpc_services() -> str:
    """Return the contract services that people may call, by the service that serves them."""
    found: dict[str, set[str]] = {}
    for method in Schema(installed_contracts()).methods:
        found.setdefault(method.backend, set()).add(method.grpc_path.split("/")[1])
    text: str = yaml.safe_dump({backend: sorted(names) for backend, names in found.items()}, width=120)
    return "# Made by tools/render_chart.py from the contracts; never edited.\n" + text


def _place(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def main() -> None:
    """Write both files, or with `--check` compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    different = False
    for path, make in ((SERVICES, grpc_services), (PLAIN, plain)):
        text = make()
        if check and (not path.exists() or path.read_text() != text):
            print(f"{path.relative_to(ROOT)} is not what tools/render_chart.py makes; run `make generate`")
            different = True
        elif not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
