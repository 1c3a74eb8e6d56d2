"""NetworkPolicies allow the connections that the code makes, and no other."""

import importlib
import re
from functools import cache
from ipaddress import ip_address, ip_network

import pytest

from gateway.backends import NAMES
from tests.support.chart import COMBINATIONS, pods, selects
from tests.support.network import Network
from tools.render_chart import ROOT

PORTS = {"workspace": 7101, "session": 7102, "execution": 7103, "audit": 7104, "gateway": 8080, "room": 7200}
WITH_POLICIES = [name for name, values in COMBINATIONS.items() if values.get("networkPolicy", {}).get("enabled", True)]
INSIDE = ("10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "fd00::1", "fe80::1")
OUTSIDE = ("140.82.112.3", "8.8.8.8", "2606:4700::1111")
EDGE = ("test", "gateway", 8080)


@cache
def _code(component: str) -> str:
    folder = ROOT / ("gateway" if component == "gateway" else f"services/{component}")
    return "".join(file.read_text() for file in folder.rglob("*.py"))


def _called(component: str) -> set[str]:
    """Return the services that a service calls: those it opens channels to, and the one that knows credentials."""
    if component == "gateway":
        return set(NAMES)
    settings = getattr(importlib.import_module(f"services.{component}.settings"), f"{component.capitalize()}Settings")
    found = set(re.findall(r'\.neighbour\("(\w+)"\)', _code(component)))
    if ".neighbour(source)" in _code(component):
        found |= {
            name for key, field in settings.model_fields.items() if key.endswith("_sources") for name in field.default
        }
    if "service.server(exchange)" not in _code(component):
        found.add("workspace")
    return found


def _calls_runners(component: str) -> bool:
    return re.search(r"^from stateroom\.runner\.v1\.\w+_pb2_grpc import", _code(component), re.MULTILINE) is not None


def _edges_of_the_code(combination: str) -> set[tuple[str, str, int]]:
    values = COMBINATIONS[combination]
    edges = {(each, other, PORTS[other]) for each in (*NAMES, "gateway") for other in _called(each)}
    edges |= {(each, "room", PORTS["room"]) for each in (*NAMES, "gateway") if _calls_runners(each)}
    edges.add(EDGE)
    if values["postgresql"].keys() & {"embedded", "cnpg"}:
        edges |= {(each, "postgresql", 5432) for each in (*NAMES, "migrate")}
    if values["nats"].get("embedded"):
        edges |= {(each, "nats", 4222) for each in NAMES}
    return edges


def _within(edges: set[tuple[str, str, int]]) -> set[tuple[str, str, int]]:
    """Return the edges without those that strangers have too: anybody's to the gateway, and what others' Pods make."""
    own = {edge for edge in edges if edge[0] != "postgresql"}
    return {edge for edge in own if edge == EDGE or edge[1:] != ("gateway", 8080)}


@pytest.mark.parametrize("way", ["egress", "ingress"])
@pytest.mark.parametrize("combination", [name for name in WITH_POLICIES if name != "operators"])
def test_policies_allow_the_connections_of_the_code_and_no_other(combination: str, way: str) -> None:
    """Each end by itself: every edge that one allows is used, and every used one is allowed by both."""
    assert _within(Network.of(combination).edges(way)) == _edges_of_the_code(combination)


@pytest.mark.parametrize("combination", WITH_POLICIES)
def test_what_no_policy_names_is_denied(combination: str) -> None:
    """A Pod of ours that is added without a policy of its own can do nothing."""
    (policy,) = (one for one in Network.of(combination).policies if one["metadata"]["name"].endswith("-default-deny"))
    assert policy["spec"].keys() == {"podSelector", "policyTypes"}
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert all(selects(policy["spec"]["podSelector"], pod.labels) for pod in pods(combination))


def test_policies_with_routes_and_monitors_open_those_ports_only() -> None:
    """A Gateway reaches the services' gRPC, and Prometheus the metrics; both may live in any namespace."""
    network = Network.of("operators")
    assert _within(network.edges("egress")) == _edges_of_the_code("operators")
    for name in (*NAMES, "gateway"):
        (policy,) = (one for one in network.policies if one["metadata"]["name"] == f"stateroom-{name}")
        opened = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        assert opened == {PORTS[name], 9100}


def test_code_calls_whom_this_test_thinks() -> None:
    """What is found in the code is something: the edges that everybody knows are among them."""
    assert _called("audit") == {"workspace", "session", "execution"}
    assert _called("workspace") == set()
    assert _called("session") == {"workspace"}
    assert _calls_runners("session")
    assert not _calls_runners("gateway")


def _reaches(network: Network, component: str, address: str) -> bool:
    return any(
        ip_address(address) in ip_network(cidr) and all(ip_address(address) not in ip_network(part) for part in parts)
        for (cidr, parts), ports in network.blocks(component).items()
        if ip_address(address).version == ip_network(cidr).version
        and any(port["port"] <= 8443 <= (port.get("endPort") or port["port"]) for port in ports)
    )


@pytest.mark.parametrize("combination", WITH_POLICIES)
@pytest.mark.parametrize("component", ["room", "execution"])
def test_rooms_and_requests_reach_the_internet_and_nothing_inside(combination: str, component: str) -> None:
    """Neither the cluster, nor its nodes, nor the metadata of a cloud."""
    network = Network.of(combination)
    assert {address for address in OUTSIDE if not _reaches(network, component, address)} == set()
    allowed = {"10.1.2.3"} if (combination, component) == ("operators", "execution") else set()
    assert {address for address in INSIDE if _reaches(network, component, address)} == allowed


def test_others_reach_no_address_but_the_api_server() -> None:
    """With servers in the cluster, the only networks allowed are the API server's, to those who talk to it."""
    network = Network.of("trying")
    for pod in network.pods:
        if pod.component not in {"room", "execution"}:
            ports = {port["port"] for found in network.blocks(pod.component).values() for port in found}
            assert ports == ({443, 6443} if pod.component in {"workspace", "keys"} else set())


@pytest.mark.parametrize("combination", WITH_POLICIES)
def test_whoever_looks_up_names_may_ask_dns(combination: str) -> None:
    """Over UDP and TCP, at the cluster's own servers; the embedded servers ask nobody."""
    network = Network.of(combination)
    dns = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    for policy in network.policies:
        component = policy["metadata"]["labels"].get("app.kubernetes.io/component", "")
        rules = [rule for rule in policy["spec"].get("egress", []) if rule["to"] == [dns]]
        expected = 0 if component in {"", "postgresql", "nats"} else 1
        assert len(rules) == expected, component
        for rule in rules:
            assert rule["ports"] == [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
