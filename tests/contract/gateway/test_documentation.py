"""The description of the API: complete, true to the contracts, and shown without help from elsewhere."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests.contract.gateway.conftest import Stack
from tests.support.contracts import rpcs

pytestmark = pytest.mark.asyncio(loop_scope="session")

PUBLIC = [rpc for rpc in rpcs() if rpc.is_public]
OPERATION = {"get", "put", "post", "delete", "patch"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def document(stack: Stack) -> Any:  # JSON
    """Return the document as anybody gets it."""
    async with httpx2.AsyncClient(base_url=f"http://{stack.listen}") as nobody:
        response = await nobody.get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    return response.json()


def _operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def _operation(document: Any, name: str) -> Any:
    return next(item for _, _, item in _operations(document) if item["operationId"] == name)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


async def test_openapi_always_has_every_route_once(document: Any) -> None:
    """What people may call is described, and nothing else; each has a name of its own."""
    described = {item["x-grpc-method"]: (method, path) for method, path, item in _operations(document)}
    assert set(described) == {f"{rpc.descriptor.containing_service.full_name}/{rpc.name}" for rpc in PUBLIC}
    for rpc in PUBLIC:
        method, path = described[f"{rpc.descriptor.containing_service.full_name}/{rpc.name}"]
        assert (method, re.sub(r"\{[^}]*\}", "{}", path)) == (rpc.route[0], re.sub(r"\{[^}]*\}", "{}", rpc.route[1]))
    names = [item["operationId"] for _, _, item in _operations(document)]
    assert len(set(names)) == len(names)


async def test_openapi_always_resolves_its_references(document: Any) -> None:
    """No reference leads nowhere, or out of the document."""
    assert document["openapi"].startswith("3.1.")
    for reference in set(_references(document)):
        at = document
        for key in reference.removeprefix("#/").split("/"):
            at = at[key]


async def test_schema_of_workflow_files_is_the_one_that_is_documented(stack: Stack) -> None:
    """Anybody gets it, and editors take it from a URL."""
    async with httpx2.AsyncClient(base_url=f"http://{stack.listen}") as nobody:
        response = await nobody.get("/workflow.schema.json")
    assert response.headers["content-type"] == "application/schema+json"
    committed = Path(__file__).resolve().parents[3] / "docs/api/workflow.schema.json"
    assert response.json() == json.loads(committed.read_text())


async def test_openapi_always_declares_the_variables_of_paths(document: Any) -> None:
    """Each variable is a required parameter, and no parameter has two declarations."""
    for method, path, operation in _operations(document):
        assert method in OPERATION
        declared = [(item["name"], item["in"]) for item in operation["parameters"] if "name" in item]
        assert len(set(declared)) == len(declared)
        in_path = {item["name"] for item in operation["parameters"] if item.get("in") == "path" and item["required"]}
        assert in_path == set(re.findall(r"\{([^}]*)\}", path))


async def test_openapi_schema_says_what_the_rules_say(document: Any) -> None:
    """Lengths, patterns, choices, ranges and formats are those that a request is checked by."""
    session = document["components"]["schemas"]["stateroom.session.v1.Session"]["properties"]
    assert session["workingDirectory"]["maxLength"] == 4096
    assert session["workingDirectory"]["pattern"] == r"^[^\x00]*$"
    assert session["shell"]["anyOf"] == [{"const": ""}, {"enum": ["bash", "zsh", "fish"]}]
    assert session["kind"]["enum"] == ["KIND_UNSPECIFIED", "TERMINAL", "COMMAND", "AGENT", "EDITOR"]
    assert (session["columns"]["minimum"], session["columns"]["maximum"]) == (0, 1000)
    assert session["environment"]["maxProperties"] == 64
    assert session["environment"]["propertyNames"] == {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$"}
    assert session["outputBytes"]["type"] == "string"
    assert (session["etag"]["readOnly"], session["environment"]["x-input-only"]) == (True, True)
    assert session["workspaceId"]["x-immutable"] is True
    assert "never changed" in session["workspaceId"]["description"]


async def test_openapi_body_leaves_out_what_the_path_has(document: Any) -> None:
    """A body with the whole request holds what is not in the path, and tells what it cannot do without."""
    body = _operation(document, "SessionService_WriteSession")["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {"data", "requestId"}
    assert body["required"] == ["data"]
    assert (body["properties"]["data"]["minLength"], body["properties"]["data"]["maxLength"]) == (2, 87384)


async def test_openapi_failures_are_those_of_the_comment(document: Any) -> None:
    """Reasons stand at the HTTP status that they are sent with; each is one of the enum."""
    responses = _operation(document, "SessionService_TerminateSession")["responses"]
    assert responses["404"]["x-reasons"] == ["SESSION_NOT_FOUND"]
    assert responses["400"]["x-reasons"] == ["SESSION_NOT_ACTIVE"]
    assert responses["409"]["x-reasons"] == responses["412"]["x-reasons"] == ["ETAG_MISMATCH"]
    known = document["components"]["schemas"]["stateroom.error.v1.ErrorReason"]["enum"]
    for _, _, operation in _operations(document):
        for response in operation["responses"].values():
            assert set(response.get("x-reasons", ())) <= set(known)


async def test_openapi_streams_and_sockets_are_described(document: Any) -> None:
    """Who reads the document knows both forms of a stream, how it is resumed, and what a WebSocket carries."""
    output = _operation(document, "SessionService_StreamOutput")
    assert set(output["responses"]["200"]["content"]) == {"application/x-ndjson", "text/event-stream"}
    assert {"$ref": "#/components/parameters/lastEventId"} in output["parameters"]
    attach = _operation(document, "SessionService_AttachSession")
    assert attach["x-websocket"]["subprotocol"] == "stateroom.v1"
    assert attach["x-websocket"]["clientMessage"]["$ref"].endswith("AttachSessionRequest")
    assert "offset" in {item.get("name") for item in attach["parameters"]}


async def test_openapi_security_is_a_bearer_but_for_anonymous_calls(document: Any) -> None:
    """A client knows which calls need a credential, and which scope it must have."""
    create = _operation(document, "IdentityService_CreateUser")
    read = _operation(document, "SessionService_GetSession")
    assert create["security"] == []
    assert (read["security"], read["x-permission"]) == ([{"bearer": []}], "sessions.read")


@pytest.mark.parametrize("path", ["/docs", "/docs/docs.js", "/docs/docs.css"])
async def test_docs_page_loads_nothing_from_elsewhere(client: httpx2.AsyncClient, path: str) -> None:
    """The page works without the Internet, and runs no script but its own."""
    response = await client.get(path)
    assert response.status_code == 200
    assert not re.search(r"https?://|innerHTML|eval\(|<script>|style=", response.text)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_openapi_known_by_the_client_is_304(client: httpx2.AsyncClient) -> None:
    """The document is sent again only after it changed."""
    first = await client.get("/openapi.json")
    again = await client.get("/openapi.json", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
