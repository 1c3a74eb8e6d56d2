"""Whatever bytes a method gets, it answers or refuses in the form that all refusals have, and its process lives on."""

import asyncio
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from stateroom.error.v1 import error_reason_pb2
from stateroom.workspace.v1 import identity_service_pb2

from chassis.rpc.status import DETAILS_KEY
from tests.support import any_bytes
from tests.support.contracts import Rpc, rpcs
from tests.support.examples import examples
from tests.support.people import Person, connected
from tests.support.product import SERVICES, Product
from tests.support.requests import call, example, served, service_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXAMPLES = 5
"""Requests to each method in one round."""
SILENCE = 0.2
"""Seconds after which a stream that says nothing is left."""
FAULTS = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DATA_LOSS, grpc.StatusCode.UNIMPLEMENTED}
REFUSED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
LISTS = [next(rpc for rpc in served() if service_of(rpc) == name and rpc.name.startswith("List")) for name in SERVICES]
"""A simple call to each service."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with one of everything, and a runner that is not among it, so that no request ends it."""

    product: Product
    owned: dict[str, str]
    room: str
    runner: str

    def address(self, rpc: Rpc) -> str:
        """Return where a method is served; the record of changes, by any service that has one."""
        service = service_of(rpc)
        return (
            self.runner if service == "runner" else self.product.address("session" if service == "event" else service)
        )

    async def outcome(self, channel: grpc.aio.Channel, rpc: Rpc, sent: Any) -> grpc.aio.AioRpcError | None:
        """Make a call, of a stream to its first item; returns how it was refused, None when it was not."""
        made = call(channel, rpc, sent, (("authorization", f"Bearer {self.owned['secret']}"),))
        try:
            # What is closed to people has to refuse, however long that takes.
            async with asyncio.timeout(SILENCE if rpc.descriptor.server_streaming and rpc.is_public else None):
                await (anext(aiter(made), None) if rpc.descriptor.server_streaming else made)
        except grpc.aio.AioRpcError as exc:
            # The client's own failure, to write to a call that the server has refused meanwhile.
            return await self.outcome(channel, rpc, sent) if exc.details() == "Internal error from Core" else exc
        except TimeoutError:
            pass
        made.cancel()
        return None

    async def dead(self) -> list[str]:
        """Return what does not answer any more."""
        dead = [] if self.product.runner_of(self.room) else ["runner"]
        for rpc in LISTS:
            async with grpc.aio.insecure_channel(self.address(rpc)) as channel:
                dead += [service_of(rpc)] if await self.outcome(channel, rpc, example(rpc, self.owned)) else []
        return dead + [name for name, process in self.product.processes.items() if process.returncode is not None]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def caller(shared_product: Product, owned: dict[str, str]) -> Caller:
    """Return the owner of one of everything."""
    async with connected(shared_product) as channel:
        key = identity_service_pb2.ApiKey()
        owner = Person(shared_product, channel, owned["user_id"], key, owned["secret"])
        room = await owner.settled(await owner.create_room())
        runner = await owner.runner(room)
        spare = await owner.create_key()  # the other one is what the calls are made with
    known = owned | {"api_key_id": spare.api_key.api_key_id}
    return Caller(shared_product, known, room.workspace_id, runner.address)


def _faults(rpc: Rpc, refusal: grpc.aio.AioRpcError) -> list[str]:
    """Return what is wrong with a refusal."""
    trailing: dict[str, Any] = dict(refusal.trailing_metadata() or ())  # type: ignore[arg-type]  # pairs; the stub has no iterator
    details = status_pb2.Status.FromString(trailing.get(DETAILS_KEY, b"")).details
    kind, said = error_details_pb2.ErrorInfo, refusal.details() or ""
    reasons = [kind.FromString(detail.value).reason for detail in details if detail.Is(kind.DESCRIPTOR)]
    wrong = {
        "a fault of the server": refusal.code() in FAULTS,
        "not refused for who calls": not rpc.is_public and refusal.code() not in REFUSED,
        "not one registered reason": [reason in error_reason_pb2.ErrorReason.keys() for reason in reasons] != [True],  # noqa: SIM118  # no dictionary
        "a long sentence": len(said.encode()) >= 1024,
        "a look inside": "Traceback" in said or 'File "' in said,
    }
    return [fault for fault, holds in wrong.items() if holds]


@pytest.mark.invariant("I29")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("rpc", rpcs(), ids=lambda rpc: str(rpc.descriptor.full_name))
async def test_rpc_with_any_bytes_answers_or_refuses_in_form(
    rpc: Rpc, caller: Caller, pytestconfig: pytest.Config
) -> None:
    """No bytes are a fault of the server or end it; what only services may call stays closed to people."""
    loop = asyncio.get_running_loop()
    async with grpc.aio.insecure_channel(caller.address(rpc)) as channel:

        @examples(pytestconfig, EXAMPLES)
        @given(any_bytes.requests(example(rpc, caller.owned)))
        def send(sent: bytes) -> None:
            refusal = asyncio.run_coroutine_threadsafe(caller.outcome(channel, rpc, sent), loop).result()
            assert rpc.is_public or refusal, "a person was let in"
            assert refusal is None or not _faults(rpc, refusal), f"{_faults(rpc, refusal)}: {refusal}"

        await asyncio.to_thread(send)
    assert await caller.dead() == []
