"""Bad input against a whole installation: a clear sentence, the field, a stable reason, and nothing left behind."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import httpx2
import pytest
import pytest_asyncio

from chassis import ids
from chassis.rpc import credential
from tests.support import bad_inputs
from tests.support.bad_inputs import BadInput
from tests.support.embedded_stack import EmbeddedStack
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")

COUNTED = (
    "/v1/workspaces?showDeleted=true&pageSize=200",
    "/v1/sessions?pageSize=200",
    "/v1/apiKeys?pageSize=200",
    "/v1/workspaces/{workspace}/files?pageSize=200",
)
CASES = [
    *bad_inputs.REQUESTS,
    *bad_inputs.CREDENTIALS,
    *bad_inputs.WORKSPACES,
    *bad_inputs.SESSIONS,
    *bad_inputs.AUDIT,
    *bad_inputs.FILES,
]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a workspace, a live session in it, and the values that calls name."""

    http: httpx2.AsyncClient
    values: Mapping[str, str]

    def filled(self, text: str) -> str:
        """Return a text with the values in it."""
        return re.sub(r"\{(\w+)\}", lambda found: self.values.get(found[1], found[0]), text)

    async def send(self, case: BadInput) -> httpx2.Response:
        """Make a call."""
        method, _, target = case.call.partition(" ")
        headers = {name: self.filled(value) for name, value in case.headers.items()}
        content = case.content
        if content is not None and len(content) < 10_000:
            content = self.filled(content.decode("latin-1")).encode("latin-1")
        return await self.http.request(method, self.filled(target), headers=headers, content=content)

    async def left(self) -> dict[str, object]:
        """Return how many of everything there are, and the workspace as it is."""
        found = {}
        for path in COUNTED:
            page = (await self.http.get(self.filled(path))).json()
            (items,) = [value for value in page.values() if isinstance(value, list)]
            found[path] = len(items)
        return found | {"room": (await self.http.get(self.filled("/v1/workspaces/{workspace}"))).json()}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def caller(embedded_stack: EmbeddedStack) -> AsyncIterator[Caller]:
    """Return a caller with an account of their own."""
    async with embedded_stack.client() as client:
        secret = (await client.post("/v1/users", {"user": {"handle": f"bad-{ids.new().hex[-8:]}"}}))["secret"]
    bearer = {"authorization": f"Bearer {secret}"}
    async with httpx2.AsyncClient(base_url=embedded_stack.api.url, headers=bearer, timeout=PATIENCE) as http:
        name = f"room-{ids.new().hex[-8:]}"
        made = (await http.post("/v1/workspaces", json={"name": name})).json()
        async with http.stream("GET", f"/v1/workspaces/{made['workspaceId']}:watch") as watch:
            assert json.loads([line async for line in watch.aiter_lines()][-1])["result"]["state"] == "ACTIVE"
        session = (await http.post("/v1/sessions", json={"workspaceId": made["workspaceId"]})).json()
        narrow = (await http.post("/v1/apiKeys", json={"name": "narrow", "scopes": ["workspaces.read"]})).json()
        values = {
            "name": name,
            "workspace": made["workspaceId"],
            "session": session["sessionId"],
            "foreign": str(ids.new()),
            "typo": f"Bearer {secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}",
            "unknown": f"Bearer {credential.mint(credential.API_KEY, ids.new()).text}",
            "key": narrow["apiKey"]["apiKeyId"],
            "narrow": f"Bearer {narrow['secret']}",
        }
        yield Caller(http, values)
        await http.post(f"/v1/sessions/{session['sessionId']}:terminate", json={})


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name} - {case.call[:60]}")
async def test_bad_input_is_refused_with_reason_and_field(caller: Caller, case: BadInput) -> None:
    """The answer is the table's, in the form that all failures have, without what the server keeps to itself."""
    response = await caller.send(case)
    error = response.json()["error"]
    details = {detail["@type"].rpartition(".")[2]: detail for detail in error["details"]}
    blamed = [violation["field"] for violation in details.get("BadRequest", {}).get("fieldViolations", [])]
    assert (response.status_code, details["ErrorInfo"]["reason"]) == (case.status, case.reason), error
    assert (blamed or [""])[0] == case.blamed, error
    assert error["code"] == response.status_code
    assert details["ErrorInfo"]["domain"] == "stateroom.dev"
    assert details["RequestInfo"]["requestId"]
    assert len(error["message"]) < 600  # the longest names all scopes there are
    assert not re.search(r"Traceback|asyncpg|grpc\.|secret@|\x1b", error["message"])


async def test_bad_inputs_together_leave_nothing_behind(caller: Caller) -> None:
    """All of them once more: what there was before is what there is afterwards."""
    before = await caller.left()
    for case in CASES:
        await caller.send(case)
    assert await caller.left() == before
