"""A gateway process, the fake services behind it, and a client with a credential."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from chassis import ids
from chassis.rpc import credential
from tests.support import fake_answers
from tests.support.fake_services import FakeServices
from tests.support.gateway_process import LOG, running_gateway


@dataclass(frozen=True, slots=True)
class Stack:
    """What a test talks to: the gateway's address, the services behind it, a credential, and the gateway's log."""

    listen: str
    services: FakeServices
    exchange: fake_answers.Revocable
    credential: str
    log: Path

    def client(self) -> httpx2.AsyncClient:
        """Return a client that sends the credential."""
        headers = {"authorization": f"Bearer {self.credential}"}
        return httpx2.AsyncClient(base_url=f"http://{self.listen}", headers=headers)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Run one gateway for all tests of the package."""
    services, exchange = FakeServices(), fake_answers.Revocable()
    services.answers = {
        "ExchangeCredential": exchange,
        "GetSession": fake_answers.get_session,
        "CreateSession": fake_answers.create_session,
        "DeleteWorkspace": fake_answers.delete_workspace,
        "StreamOutput": fake_answers.stream_output,
        "AttachSession": fake_answers.attach_session,
    }
    server, address = await services.start()
    folder = tmp_path_factory.mktemp("gateway")
    wishes = {"ALLOWED_ORIGINS": '["https://console.example.com"]', "HEARTBEAT_SECONDS": "0.1"}
    async with running_gateway(folder, address, **wishes) as (listen, _):
        yield Stack(listen, services, exchange, credential.mint("k", ids.new()).text, folder / LOG)
    await server.stop(0)


@pytest_asyncio.fixture(loop_scope="session")
async def client(stack: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    """Return a client that sends a good credential."""
    async with stack.client() as made:
        yield made
