"""What the chart renders with the values that matter, each combination once, and its Pods."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from tools.render_chart import NAMESPACE, PLAIN_VALUES, Object, objects, render

_ROUTES = {
    "host": "stateroom.example.com",
    "previewHost": "preview.example.com",
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls", "previewTlsSecret": "preview-tls"},
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "edge", "namespace": "gateways"}]},
    "grpcRoute": {"enabled": True, "host": "grpc.example.com", "parentRefs": [{"name": "edge"}]},
}
COMBINATIONS: dict[str, dict[str, Any]] = {
    "trying": PLAIN_VALUES,
    "external": {
        "keys": {"existingSecret": "own-keys"},
        "postgresql": {"external": {"existingSecret": "own-postgresql", "port": 6432}},
        "nats": {"external": {"existingSecret": "own-nats"}, "streamReplicas": 3},
        "images": {"pullSecrets": ["registry"], "pullPolicy": "Always"},
        "otlpEndpoint": "http://collector.observability:4317",
        "rooms": {
            "namespace": "rooms",
            "image": "registry.example.com/room:1",
            "pullSecret": "registry",
            "storageClass": "fast",
            "runtimeClass": "gvisor",
            "nodeSelector": {"pool": "rooms"},
            "egress": [{"to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}], "ports": [{"protocol": "TCP", "port": 443}]}],
        },
        "networkPolicy": {"gateway": [{"namespaceSelector": {"matchLabels": {"role": "edge"}}}]},
    },
    "operators": {
        "postgresql": {"cnpg": {"enabled": True, "storageClass": "fast", "image": "postgres:18", "backup": {"a": 1}}},
        "nats": {"external": {"existingSecret": "own-nats"}, "streamReplicas": 3},
        "gateway": _ROUTES | {"allowedOrigins": ["https://console.example.com"], "replicas": 3},
        "defaults": {"autoscaling": {"enabled": True}, "tolerations": [{"operator": "Exists"}]},
        "execution": {"egressAllowed": ["10.1.0.0/16"], "env": {"EXECUTION_LIMIT": 50}},
        "keda": {"enabled": True},
        "monitoring": {
            part: {"enabled": True, "labels": {"release": "prometheus"}}
            for part in ("podMonitor", "serviceMonitor", "rules", "dashboards")
        },
    },
    "alone": PLAIN_VALUES
    | {"defaults": {"replicas": 1, "drainSeconds": 60}, "networkPolicy": {"enabled": False}, "signUp": "open"},
}
ROOMS = {"external": "rooms"}
"""The namespace of rooms, where it is another."""


@cache
def rendered(combination: str) -> dict[str, str]:
    """Return what the templates become."""
    return render(COMBINATIONS[combination])


@cache
def found(combination: str) -> list[Object]:
    """Return all objects."""
    return objects(rendered(combination))


def of_kind(combination: str, *kinds: str) -> list[Object]:
    """Return the objects of these kinds."""
    return [one for one in found(combination) if one["kind"] in kinds]


@dataclass(frozen=True, slots=True)
class Pod:
    """A Pod as an object describes it: whose it is, and what it will be."""

    owner: Object
    labels: dict[str, str]
    spec: Object
    namespace: str = NAMESPACE

    @property
    def component(self) -> str:
        """Return what it is."""
        return self.labels["app.kubernetes.io/component"]

    @property
    def main(self) -> Object:
        """Return the container it is there for."""
        (container,) = self.spec["containers"]
        main: Object = container
        return main

    @property
    def containers(self) -> list[Object]:
        """Return all containers, those that run first too."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def ports(self) -> dict[str, int]:
        """Return its ports by name."""
        return {port["name"]: port["containerPort"] for port in self.main.get("ports", [])}


def pods(combination: str) -> list[Pod]:
    """Return all Pods, each once."""
    return list(_pods(combination))


def _pods(combination: str) -> Iterator[Pod]:
    for one in found(combination):
        if one["kind"] == "Pod":
            yield Pod(one, one["metadata"]["labels"], one["spec"])
        elif one["kind"] in {"Deployment", "StatefulSet", "Job"}:
            template = one["spec"]["template"]
            yield Pod(one, template["metadata"]["labels"], template["spec"])


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Return whether a selector matches; an empty one matches everything."""
    exact = all(labels.get(name) == value for name, value in (selector.get("matchLabels") or {}).items())
    return exact and all(labels.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", []))
