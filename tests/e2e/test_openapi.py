"""The description of the API is true of a running installation, for what it allows and for what it forbids."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import requests
import schemathesis
from hypothesis import given
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from chassis import ids
from tests.support.contracts import Rpc, rpcs
from tests.support.embedded_stack import EmbeddedStack
from tests.support.examples import examples

EXAMPLES = 3
"""Requests of each operation in one round."""
PATIENCE = "300m"
"""Milliseconds after which the gateway ends a stream, so that an endless one has an end to read to."""
CHECKS: list[Any] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
CONFIG = {"checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}}}
"""Too long a URL is refused as such, with 414, whatever else is wrong with it."""
END = {"DownloadFiles", "ReadFile", "SearchFiles"}
"""Methods whose streams end by themselves."""

TOO_LONG = {414, 431}
"""What the HTTP server says, without a body, of a URL beyond 64 KiB: the gateway, whose 414 has one, never sees it."""


@dataclass(frozen=True, slots=True)
class Described:
    """An installation by its own description, and somebody with a workspace and a session."""

    url: str
    operations: dict[str, APIOperation[Any, Any, Any, Any]]
    secret: str
    known: dict[str, str]

    def operation(self, rpc: Rpc) -> APIOperation[Any, Any, Any, Any]:
        """Return the operation of a method."""
        return self.operations[f"{rpc.descriptor.containing_service.full_name}/{rpc.name}"]

    def headers(self, rpc: Rpc) -> dict[str, str]:
        """Return what goes with each request."""
        made = {"authorization": f"Bearer {self.secret}"}
        goes_on = rpc.descriptor.server_streaming and rpc.name not in END
        return made | ({"grpc-timeout": PATIENCE} if goes_on else {})


def _operations(document: Any) -> dict[str, APIOperation[Any, Any, Any, Any]]:
    """Return the operations by their methods; the one change is that no test clones from a host that it made up."""
    document["components"]["schemas"]["stateroom.workspace.v1.Workspace"]["properties"]["repositoryUrl"] = {"const": ""}
    loaded: Any = schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(CONFIG))
    operations = (found.ok() for found in loaded.get_all_operations())
    return {operation.definition.raw["x-grpc-method"]: operation for operation in operations}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def described(embedded_stack: EmbeddedStack) -> AsyncIterator[Described]:
    """Return an account of its own, the owner's key of which may do everything."""
    async with embedded_stack.client() as client:
        secret = (await client.post("/v1/users", {"user": {"handle": f"any-{ids.new().hex[-8:]}"}}))["secret"]
    url, bearer = embedded_stack.api.url, {"authorization": f"Bearer {secret}"}
    async with httpx2.AsyncClient(base_url=url, headers=bearer, timeout=30) as http:
        document = (await http.get("/openapi.json")).json()
        workspace = (await http.post("/v1/workspaces", json={"name": "any"})).json()["workspaceId"]
        async with http.stream("GET", f"/v1/workspaces/{workspace}:watch") as watch:
            await watch.aread()
        session = (await http.post("/v1/sessions", json={"workspaceId": workspace})).json()["sessionId"]
        yield Described(url, _operations(document), secret, {"workspaceId": workspace, "sessionId": session})
        await http.post(f"/v1/sessions/{session}:terminate", json={})


@pytest.mark.invariant("I29")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("rpc", [rpc for rpc in rpcs() if rpc.is_public], ids=lambda rpc: str(rpc.descriptor.full_name))
def test_operation_with_any_request_answers_as_described(
    rpc: Rpc, described: Described, pytestconfig: pytest.Config
) -> None:
    """Status, content type and body are those of the description; what it forbids is refused, and nothing is a 5xx."""
    operation = described.operation(rpc)
    path = {name: value for name, value in described.known.items() if f"{{{name}}}" in operation.path}
    known = operation.as_strategy(path_parameters=path) if path else operation.as_strategy()
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    answers: list[int] = []
    with requests.Session() as http:

        @examples(pytestconfig, EXAMPLES)
        @given(known | wrong)
        def send(case: Case[Any]) -> None:
            response = case.call(described.url, http, described.headers(rpc))
            if response.content or response.status_code not in TOO_LONG:
                case.validate_response(response, CHECKS)
                answers.append(response.status_code)

        send()
    assert answers
