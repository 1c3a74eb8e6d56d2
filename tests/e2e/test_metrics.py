"""Metrics of a running installation are those that the documentation lists, and hold nothing that grows."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from stateroom.error.v1.error_reason_pb2 import ErrorReason

from cli.client import Client
from embedded.endpoint import Endpoint
from tests.support.embedded_stack import EmbeddedStack
from tests.support.sessions import opened_session
from tests.support.waiting import until

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "operations.md"
ROW = re.compile(r"^\| `([a-z_]+)` \| ([a-z, ]*) ?\|", re.MULTILINE)
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|srk_")
SAMPLED = "stateroom_sample_timestamp_seconds"


async def _page(url: str) -> str:
    async with httpx2.AsyncClient() as client:
        answer = await client.get(url)
    assert answer.status_code == 200
    return answer.text


def _families(page: str) -> Iterator[tuple[str, Metric]]:
    for family in text_string_to_metric_families(page):
        yield family.name + ("_total" if family.type == "counter" else ""), family


async def _sampled(endpoint: Endpoint) -> bool:
    """Whether every service has looked into its database."""
    pages = [await _page(url) for name, url in endpoint.metrics.items() if name != "gateway"]
    return all(family.samples[0].value for page in pages for name, family in _families(page) if name == SAMPLED)


async def test_metrics_of_a_running_installation_are_those_documented(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """Both ways: what is listed is served, and what is served is listed, with its labels; no value of one is an id."""
    endpoint = embedded_stack.endpoint
    assert set(endpoint.metrics) == {"workspace", "session", "execution", "audit", "gateway"}
    async with opened_session(client, workspace_id):
        await until(lambda: _sampled(endpoint))
        pages = {name: await _page(url) for name, url in endpoint.metrics.items()}
    documented = {name: set(re.findall(r"[a-z]+", labels)) for name, labels in ROW.findall(DOCUMENTATION.read_text())}
    served: dict[str, set[str]] = {}
    for page in pages.values():
        assert not ID.search(page)
        for name, family in _families(page):
            labels = set().union(*(sample.labels for sample in family.samples)) - {"le"}
            served[name] = served.get(name, set()) | labels
    assert documented.keys() == served.keys()
    assert {name: labels for name, labels in served.items() if labels - documented[name]} == {}


async def test_metrics_count_calls_errors_and_what_lives(
    embedded_stack: EmbeddedStack, client: Client, workspace_id: str
) -> None:
    """A call shows at the gateway and at its service, a refusal by its reason, and a session while it lives."""
    endpoint = embedded_stack.endpoint
    method = "stateroom.session.v1.SessionService/GetSession"
    async with opened_session(client, workspace_id) as session_id:
        await client.get(f"/v1/sessions/{session_id}")
        async with httpx2.AsyncClient() as other:
            headers = {"authorization": f"Bearer {endpoint.api_key}"}
            missing = await other.get(f"{endpoint.gateway}/v1/sessions/{workspace_id}", headers=headers)
        assert missing.status_code == 404

        async def shown() -> bool:
            return await _value(endpoint, "session", "stateroom_sessions_live") >= 1

        await until(shown)
    count = "stateroom_rpc_duration_seconds_count"
    assert await _value(endpoint, "session", count, method=method, code="OK") >= 1
    assert await _value(endpoint, "session", count, method=method, code="NOT_FOUND") >= 1
    assert await _value(endpoint, "session", "stateroom_rpc_errors_total", reason="SESSION_NOT_FOUND") >= 1
    assert await _value(endpoint, "gateway", "stateroom_http_duration_seconds_count", method=method, status="404") >= 1
    assert await _value(endpoint, "workspace", "stateroom_runners") >= 1
    assert await _value(endpoint, "workspace", "stateroom_database_connections_limit", pool="own") > 1
    reasons = re.findall(r'reason="([A-Z_]+)"', await _page(endpoint.metrics["session"]))
    assert set(reasons) <= set(ErrorReason.keys())


async def test_status_of_a_running_installation_lists_its_parts_and_their_metrics(
    embedded_stack: EmbeddedStack,
) -> None:
    """One line for each part; a service with its state and where Prometheus finds it."""
    finished = await embedded_stack.command("status", "--data", str(embedded_stack.data), "--json")
    assert finished.code == 0, finished.output
    parts = {str(part["part"]): part for part in finished.json()}
    assert parts.keys() == embedded_stack.endpoint.pids.keys()
    for name, url in embedded_stack.endpoint.metrics.items():
        assert (parts[name]["state"], parts[name]["metrics"]) == ("SERVING", url)


async def _value(endpoint: Endpoint, process: str, name: str, **labels: str) -> float:
    for _, family in _families(await _page(endpoint.metrics[process])):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return 0.0
