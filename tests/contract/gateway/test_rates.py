"""Too many calls, as clients of REST see it."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from chassis import ids
from chassis.errors import RateLimited
from chassis.rpc import credential
from tests.support import fake_answers
from tests.support.fake_services import FakeServices
from tests.support.gateway_process import running_gateway

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _limited(_request: Any, context: Any) -> Any:
    await fake_answers.abort(context, RateLimited("READ 300/s burst 20000", "credential", 0.2))


def _bearer() -> dict[str, str]:
    return {"authorization": f"Bearer {credential.mint('k', ids.new()).text}"}


async def test_rate_refusals_are_429_with_retry_after_and_hit_who_guesses(tmp_path: Path) -> None:
    """A service's refusal and the gateway's own have one form; a credential that worked is not held up by others."""
    services, exchange = FakeServices(), fake_answers.Revocable()
    services.answers = {"ExchangeCredential": exchange, "GetSession": _limited}
    server, address = await services.start()
    known = _bearer()
    async with (
        running_gateway(tmp_path, address, RATE_REFUSED="2/h") as (listen, _),
        httpx2.AsyncClient(base_url=f"http://{listen}") as client,
    ):
        refused = await client.get("/v1/sessions/a", headers=known)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert refused.json()["error"]["details"][0]["reason"] == "RATE_LIMITED"
        exchange.revoked = True
        assert [(await client.get("/v1/sessions/a", headers=_bearer())).status_code for _ in range(2)] == [401, 401]
        exchange.revoked = False
        asked = exchange.count
        guessed = await client.get("/v1/sessions/a", headers=_bearer())
        assert guessed.status_code == 429
        assert 1700 < int(guessed.headers["retry-after"]) <= 1800
        assert guessed.json()["error"]["details"][0]["metadata"]["caller"] == "address"
        assert exchange.count == asked
        assert (await client.get("/v1/sessions/a", headers=known)).headers["retry-after"] == "1"
    await server.stop(0)
