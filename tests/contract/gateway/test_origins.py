"""Pages of other origins: shut out, but for those that the operator named."""

from pathlib import Path

import httpx2
import pytest

from tests.contract.gateway.conftest import Stack
from tests.support.gateway_process import running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMED = "https://console.example.com"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}


async def test_preflight_of_a_named_origin_tells_what_it_may_do(client: httpx2.AsyncClient) -> None:
    """A browser learns the methods of the path and the headers of the API, without a credential."""
    response = await client.options("/v1/sessions", headers={"origin": NAMED, **PREFLIGHT})
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == NAMED
    assert response.headers["access-control-allow-methods"] == "GET, HEAD, POST"
    assert {"authorization", "idempotency-key", "last-event-id"} <= {
        name.strip() for name in response.headers["access-control-allow-headers"].split(",")
    }
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("path", ["/v1/sessions/a", "/v1/sessions/a/output", "/v1/nowhere", "/openapi.json"])
async def test_answer_to_a_named_origin_may_be_read(client: httpx2.AsyncClient, path: str) -> None:
    """Answers, streams, failures and pages alike; the headers that a client needs are shown to scripts."""
    response = await client.get(path, headers={"origin": NAMED})
    assert response.headers["access-control-allow-origin"] == NAMED
    assert "etag" in response.headers["access-control-expose-headers"]
    assert "origin" in response.headers.get_list("vary")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://console.example.com.evil.example"])
async def test_answer_to_another_origin_is_not_shared(client: httpx2.AsyncClient, origin: str) -> None:
    """A page that the operator did not name can neither ask nor read."""
    asked = await client.options("/v1/sessions", headers={"origin": origin, **PREFLIGHT})
    assert asked.status_code == 405
    read = await client.get("/v1/sessions/a", headers={"origin": origin})
    assert not [name for name in (*asked.headers, *read.headers) if name.startswith("access-control-")]


async def test_preflight_without_named_origins_is_405(stack: Stack, tmp_path: Path) -> None:
    """Sharing is off until the operator names an origin."""
    async with (
        running_gateway(tmp_path, "127.0.0.1:1") as (listen, _),
        httpx2.AsyncClient(base_url=f"http://{listen}") as client,
    ):
        response = await client.options("/v1/sessions", headers={"origin": NAMED, **PREFLIGHT})
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST")
    assert "access-control-allow-origin" not in response.headers
