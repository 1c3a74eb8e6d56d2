"""One trace from the request to the audit log, told to a real collector; where there is none, nothing is loaded."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import httpx2
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from embedded import keys
from tests.support.collector import Collected, Collector, running_collector
from tests.support.gateway_process import running_gateway
from tests.support.product import Product
from tests.support.waiting import until

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SERVICE = "stateroom.workspace.v1.IdentityService"
SERVER, CLIENT, PRODUCER, CONSUMER = (
    Span.SPAN_KIND_SERVER,
    Span.SPAN_KIND_CLIENT,
    Span.SPAN_KIND_PRODUCER,
    Span.SPAN_KIND_CONSUMER,
)
EXPECTED = {
    ("gateway", f"POST {SERVICE}/CreateApiKey", SERVER),
    ("gateway", f"{SERVICE}/ExchangeCredential", CLIENT),
    ("gateway", f"{SERVICE}/CreateApiKey", CLIENT),
    ("workspace", f"{SERVICE}/ExchangeCredential", SERVER),
    ("workspace", f"{SERVICE}/CreateApiKey", SERVER),
    ("workspace", "derive_api_key", CLIENT),
    ("workspace", "publish api_key.created", PRODUCER),
    ("audit", "apply api_key.created", CONSUMER),
}


def _shown(collected: list[Collected]) -> set[tuple[str, str, int]]:
    return {(one.process, one.span.name, one.span.kind) for one in collected}


def _one(collector: Collector, process: str, name: str) -> Collected:
    (found,) = [one for one in collector.of(TRACE) if (one.process, one.span.name) == (process, name)]
    return found


async def test_trace_of_a_request_goes_through_gateway_service_database_and_event(
    product: Product, tmp_path: Path
) -> None:
    """Each hop is the parent of the next, and what the change causes is in the trace that made it."""
    async with running_collector() as collector:
        telemetry = {"otel_exporter_otlp_endpoint": collector.address, "otel_bsp_schedule_delay": "50"}
        for service in ("workspace", "audit"):
            await product.start(service, audit_sources="workspace", **telemetry)
        layout = product.installation.layout
        settings = {
            "WORKSPACE_ADDRESS": product.address("workspace"),
            "SIGNING_KEY_FILE": str(keys.signing_key_file(layout, "gateway")),
            "TRUST_KEYS_FILE": str(keys.trust_keys_file(layout)),
            **{name.upper(): value for name, value in telemetry.items()},
        }
        async with (
            running_gateway(tmp_path, product.address("audit"), **settings) as (listen, _),
            httpx2.AsyncClient(base_url=f"http://{listen}") as client,
        ):
            await until(lambda: _serves(client))
            created = await client.post("/v1/users", json={"user": {"handle": "traced"}})
            headers = {
                "authorization": f"Bearer {created.json()['secret']}",
                "traceparent": f"00-{TRACE}-{CALLER}-01",
                "x-request-id": "traced-1",
            }
            made = await client.post("/v1/apiKeys", json={"name": "a key"}, headers=headers)
            assert made.is_success, made.text
            await client.get("/v1/users/me", headers=headers | {"traceparent": f"00-{TRACE[::-1]}-{CALLER}-00"})

            async def complete() -> bool:
                return _shown(collector.of(TRACE)) >= EXPECTED

            await until(complete)
    request = _one(collector, "gateway", f"POST {SERVICE}/CreateApiKey")
    outgoing = _one(collector, "gateway", f"{SERVICE}/CreateApiKey")
    incoming = _one(collector, "workspace", f"{SERVICE}/CreateApiKey")
    transaction = _one(collector, "workspace", "derive_api_key")
    assert request.span.parent_span_id.hex() == CALLER
    for parent, child in ((request, outgoing), (outgoing, incoming), (incoming, transaction)):
        assert child.span.parent_span_id == parent.span.span_id
        assert parent.span.start_time_unix_nano <= child.span.start_time_unix_nano
    assert (request.attributes["http.response.status_code"], request.attributes["stateroom.request_id"]) == (
        "200",
        "traced-1",
    )
    assert incoming.attributes["rpc.response.status_code"] == "OK"
    assert collector.of(TRACE[::-1]) == [], "the caller did not want this one recorded"


async def _serves(client: httpx2.AsyncClient) -> bool:
    states = (await client.get("/readyz")).json()["services"]
    return bool(states["workspace"] == states["audit"] == "SERVING")


async def test_process_without_a_collector_and_metrics_loads_neither() -> None:
    """What nobody asked for costs no memory."""
    program = (
        "import sys, services.workspace.__main__, services.session.__main__, services.audit.__main__, gateway.server\n"
        "print([name for name in ('opentelemetry.sdk', 'prometheus_client') if name in sys.modules])"
    )
    finished = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program],
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        check=True,
    )
    assert finished.stdout.decode().strip() == "[]"
