"""REST in front of real gRPC: unary methods."""

import httpx2
import pytest

from chassis import ids
from tests.contract.gateway.conftest import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

JSON = {"content-type": "application/json"}


def _reason(response: httpx2.Response) -> str:
    return str(response.json()["error"]["details"][0]["reason"])


async def test_get_session_answers_protobuf_json(client: httpx2.AsyncClient) -> None:
    """Scalars are always there, 64-bit numbers are strings, enums are names, unset messages are left out."""
    response = await client.get("/v1/sessions/abc", headers={"x-request-id": "my-id"})
    session = response.json()
    assert response.status_code == 200
    assert response.headers["etag"] == '"7"'
    assert response.headers["x-request-id"] == "my-id"
    assert (session["sessionId"], session["outputBytes"], session["columns"]) == ("abc", str(1 << 40), 0)
    assert (session["kind"], session["environment"]) == ("KIND_UNSPECIFIED", {})
    assert not {"createTime", "exitCode"} & session.keys()


async def test_get_session_passes_context_and_no_identity(stack: Stack, client: httpx2.AsyncClient) -> None:
    """The service gets the exchanged token, the trace and the real address, never what a client claims."""
    account = str(ids.new())
    await client.get(
        "/v1/sessions/abc",
        headers={
            "stateroom-account": account,
            "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
            "x-forwarded-for": "6.6.6.6",
            "stateroom-ip-address": "6.6.6.6",
            "grpc-metadata-authorization": "Bearer forged",
            "grpc-metadata-stateroom-ip-address": "6.6.6.6",
            "grpc-metadata-colour": "red",
            "grpc-metadata-data-bin": "aGk",
            "grpc-metadata--bin": "aGk",
            "user-agent": "test/1",
        },
    )
    got = stack.services.metadata
    assert got["authorization"] == "Bearer eyJ.test.token"
    assert got["stateroom-account"] == account
    assert str(got["traceparent"]).startswith(f"00-{'a' * 32}-")
    assert (got["stateroom-ip-address"], got["stateroom-user-agent"]) == ("127.0.0.1", "test/1")
    assert (got["colour"], got["data-bin"]) == ("red", b"hi")
    assert "x-forwarded-for" not in got


async def test_create_session_maps_idempotency_key(stack: Stack, client: httpx2.AsyncClient) -> None:
    """Idempotency-Key is the request id."""
    key = str(ids.new())
    response = await client.post("/v1/sessions", json={"columns": 90}, headers={"idempotency-key": key})
    assert response.json()["columns"] == 90
    assert stack.services.requests[-1].request_id == key  # type: ignore[attr-defined]


@pytest.mark.parametrize(("header", "status"), [('"1"', 200), ("*", 200), ('"2"', 412)])
async def test_delete_workspace_if_match_is_the_etag(client: httpx2.AsyncClient, header: str, status: int) -> None:
    """A mismatch is 412 when the etag came by If-Match; `*` matches all."""
    response = await client.delete("/v1/workspaces/abc", headers={"if-match": header})
    assert response.status_code == status


async def test_delete_workspace_etag_in_query_mismatch_is_409(client: httpx2.AsyncClient) -> None:
    """An etag in the message is a conflict."""
    response = await client.delete("/v1/workspaces/abc", params={"etag": '"2"'})
    assert (response.status_code, _reason(response)) == (409, "ETAG_MISMATCH")


async def test_head_session_answers_head_only(client: httpx2.AsyncClient) -> None:
    """HEAD is GET without the body."""
    response = await client.head("/v1/sessions/abc")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0


async def test_get_session_pretty_is_indented(client: httpx2.AsyncClient) -> None:
    """`pretty` is no field but a wish."""
    assert (await client.get("/v1/sessions/abc?pretty")).text.startswith('{\n  "')


@pytest.mark.parametrize(
    ("call", "headers", "body", "expected"),
    [
        ("GET /v2/nothing", {}, b"", (404, "ROUTE_NOT_FOUND")),
        ("PUT /v1/sessions", {}, b"", (405, "METHOD_NOT_ALLOWED")),
        ("TRACE /v1/sessions", {}, b"", (405, "METHOD_NOT_ALLOWED")),
        ("POST /healthz", {}, b"", (405, "METHOD_NOT_ALLOWED")),
        ("GET /v1/sessions/a:write", {"x-http-method-override": "POST"}, b"", (405, "METHOD_NOT_ALLOWED")),
        ("GET /v1/sessions/a:attach", {}, b"", (426, "UPGRADE_REQUIRED")),
        ("GET /v1/sessions/a?nope=1", {}, b"", (400, "UNKNOWN_FIELD")),
        ("GET /v1/sessions/a", {"authorization": ""}, b"", (401, "CREDENTIAL_MISSING")),
        ("GET /v1/sessions/a", {"authorization": "Bearer srk_a_b_c"}, b"", (401, "CREDENTIAL_MALFORMED")),
        ("GET /v1/sessions/a", {"authorization": "Basic YTpi"}, b"", (401, "CREDENTIAL_MALFORMED")),
        (
            "GET /v1/sessions/a",
            {"authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
            b"",
            (401, "CREDENTIAL_MALFORMED"),
        ),
        ("GET /v1/sessions/a?access_token=x", {}, b"", (400, "CREDENTIAL_IN_URL")),
        ("GET /v1/apiKeys?keyPrefix=srk_0a_0b_0c", {}, b"", (400, "CREDENTIAL_IN_URL")),
        ("GET /v1/sessions/a", {"host": "user:token@127.0.0.1"}, b"", (400, "CREDENTIAL_IN_URL")),
        ("GET /v1/sessions/" + "a" * 9000, {}, b"", (414, "INVALID_FIELD")),
        ("GET /v1/sessions/a", {"x-long": "a" * 40_000}, b"", (431, "INVALID_FIELD")),
        ("GET /v1/sessions/a", {"grpc-metadata-x-bin": "*"}, b"", (400, "INVALID_FIELD")),
        ("GET /v1/sessions/a", {"grpc-metadata-x": "a" * 20_000}, b"", (431, "INVALID_FIELD")),
        ("GET /v1/sessions?state=--5", {}, b"", (400, "INVALID_TYPE")),
        ("GET /v1/sessions?state=" + "9" * 5000, {}, b"", (400, "INVALID_TYPE")),
        ("GET /v1/sessions/a", {"grpc-timeout": "soon"}, b"", (400, "INVALID_FIELD")),
        ("POST /v1/sessions", JSON, b'{"columns": 8', (400, "INVALID_JSON")),
        ("POST /v1/sessions", JSON, b"[" * 100_000, (400, "JSON_TOO_DEEP")),
        ("POST /v1/sessions", JSON, b'{"shell":1,"shell":2}', (400, "DUPLICATE_KEY")),
        ("POST /v1/sessions", JSON, b'{"columns":NaN}', (400, "INVALID_NUMBER")),
        ("POST /v1/sessions", JSON, b'{"title":"\\ud800"}', (400, "INVALID_UNICODE")),
        ("POST /v1/sessions", JSON, b'{"title":"a\\u0000b"}', (400, "NUL_NOT_ALLOWED")),
        ("POST /v1/sessions", JSON, b'{"account_id":"x"}', (400, "UNKNOWN_FIELD")),
        ("POST /v1/sessions", JSON, b'{"columns":true}', (400, "INVALID_TYPE")),
        ("POST /v1/sessions", {"content-type": "text/plain"}, b"{}", (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("POST /v1/sessions", {}, b"{}", (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("POST /v1/sessions", {**JSON, "content-encoding": "gzip"}, b"{}", (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("POST /v1/sessions", JSON, b" " * ((1 << 20) + 1), (413, "BODY_TOO_LARGE")),
        ("POST /v1/sessions", {"origin": "https://evil.example"}, b"", (403, "CROSS_SITE")),
        ("POST /v1/sessions", {"origin": "null"}, b"", (403, "CROSS_SITE")),
        ("POST /v1/sessions", {"sec-fetch-site": "cross-site"}, b"", (403, "CROSS_SITE")),
        ("GET /v1/workspaces/a", {}, b"", (501, "INTERNAL_ERROR")),
    ],
)
async def test_call_refused_has_status_and_reason(
    client: httpx2.AsyncClient, call: str, headers: dict[str, str], body: bytes, expected: tuple[int, str]
) -> None:
    """Each bad request has its own answer, in the form of AIP-193."""
    http_method, _, target = call.partition(" ")
    response = await client.request(http_method, target, headers=headers, content=body or None)
    assert (response.status_code, _reason(response)) == expected
    assert response.json()["error"]["code"] == response.status_code


@pytest.mark.parametrize("headers", [{"origin": "https://console.example.com"}, {"sec-fetch-site": "same-origin"}, {}])
async def test_create_session_same_or_allowed_origin_passes(
    client: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    """The operator's own pages and programs may call."""
    response = await client.post("/v1/sessions", json={}, headers=headers)
    assert response.status_code == 200


async def test_get_session_twice_exchanges_once(stack: Stack, client: httpx2.AsyncClient) -> None:
    """An exchange is remembered for some seconds."""
    await client.get("/v1/sessions/a")
    before = stack.exchange.count
    await client.get("/v1/sessions/a")
    assert stack.exchange.count == before


async def test_ready_services_serving_is_200(client: httpx2.AsyncClient) -> None:
    """Readiness names each service."""
    response = await client.get("/readyz")
    assert response.json() == {
        "status": "SERVING",
        "services": dict.fromkeys(("workspace", "session", "execution", "audit"), "SERVING"),
    }
