"""What NetworkPolicies allow, worked out as Kubernetes describes it."""

from collections.abc import Iterator
from dataclasses import dataclass

from chassis import ids
from services.workspace.placement.kubernetes import manifest
from tests.support.chart import ROOMS, Pod, of_kind, pods, selects
from tools.render_chart import NAMESPACE, Object

ROOM = manifest.pod(
    manifest.Occupant(runner_id=ids.new(), workspace_id=ids.new(), account_id=ids.new()),
    manifest.Wishes(image="stateroom/runner:0.1.0", requests={"cpu": "100m"}, limits={"cpu": "1"}),
)
"""The Pod of a room, as the workspace service makes it."""
CLUSTER_POSTGRESQL = {"cnpg.io/cluster": "stateroom-postgresql", "app.kubernetes.io/component": "postgresql"}


@dataclass(frozen=True, slots=True)
class Network:
    """The Pods and policies of a combination of values."""

    pods: list[Pod]
    policies: list[Object]

    @classmethod
    def of(cls, combination: str) -> "Network":
        """Return those of the chart, a room, and what an operator makes."""
        room = Pod(ROOM, ROOM["metadata"]["labels"], ROOM["spec"], ROOMS.get(combination, NAMESPACE))
        everybody = [*pods(combination), room]
        if combination == "operators":
            server = {"containers": [{"ports": [{"name": "postgresql", "containerPort": 5432}]}]}
            everybody.append(Pod({}, CLUSTER_POSTGRESQL, server))
        return cls(everybody, of_kind(combination, "NetworkPolicy"))

    def edges(self, way: str) -> set[tuple[str, str, int]]:
        """Return who may connect to whom at which port, as far as one's `egress` or the other's `ingress` says."""
        return {
            (source.component, target.component, port)
            for source in self.pods
            for target in self.pods
            for port in target.ports.values()
            if self._allows(way, *((source, target) if way == "egress" else (target, source)), port)
        }

    def blocks(self, component: str) -> dict[tuple[str, tuple[str, ...]], list[Object]]:
        """Return the networks that a component may reach (with what is excepted), each with the ports."""
        (pod,) = (pod for pod in self.pods if pod.component == component)
        found: dict[tuple[str, tuple[str, ...]], list[Object]] = {}
        for rule in self._rules("egress", pod):
            for peer in rule["to"]:
                if block := peer.get("ipBlock"):
                    found.setdefault((block["cidr"], tuple(block.get("except", []))), []).extend(rule["ports"])
        return found

    def _policies(self, pod: Pod, way: str) -> list[Object]:
        return [
            policy["spec"]
            for policy in self.policies
            if policy["metadata"]["namespace"] == pod.namespace
            and way.capitalize() in policy["spec"]["policyTypes"]
            and selects(policy["spec"]["podSelector"], pod.labels)
        ]

    def _rules(self, way: str, pod: Pod) -> Iterator[Object]:
        for policy in self._policies(pod, way):
            yield from policy.get(way, [])

    def _allows(self, way: str, pod: Pod, other: Pod, port: int) -> bool:
        if not self._policies(pod, way):
            return True
        side = "to" if way == "egress" else "from"
        return any(
            _includes(rule.get("ports"), port)
            and (not rule.get(side) or any(_is(peer, other, pod.namespace) for peer in rule[side]))
            for rule in self._rules(way, pod)
        )


def _is(peer: Object, pod: Pod, here: str) -> bool:
    """Return whether a peer is that Pod. Blocks are for what is outside: Pods have addresses in private ranges."""
    if "ipBlock" in peer:
        return False
    selector = peer.get("namespaceSelector")
    there = pod.namespace == here if selector is None else selects(selector, _namespace_labels(pod.namespace))
    return there and selects(peer.get("podSelector", {}), pod.labels)


def _namespace_labels(namespace: str) -> dict[str, str]:
    return {"kubernetes.io/metadata.name": namespace}


def _includes(ports: list[Object] | None, port: int) -> bool:
    return ports is None or any(
        each["protocol"] == "TCP" and each["port"] <= port <= (each.get("endPort") or each["port"]) for each in ports
    )
