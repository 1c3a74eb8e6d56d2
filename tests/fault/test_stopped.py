"""I1, I7, I14: a process that was stopped past its lease and goes on changes nothing that others did meanwhile."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc
import pytest
from stateroom.session.v1 import log_pb2, session_pb2
from stateroom.session.v1 import session_service_pb2 as session
from stateroom.session.v1.session_service_pb2_grpc import SessionServiceStub
from stateroom.workspace.v1 import workspace_pb2
from stateroom.workspace.v1 import workspace_service_pb2 as workspace
from stateroom.workspace.v1.identity_service_pb2_grpc import IdentityServiceStub

from chassis.rpc.channels import open_channel
from tests.support.checkers import ledger_is_the_record, versions_count_up
from tests.support.history import committed, lag, recorded
from tests.support.people import newcomer, sign_up_request
from tests.support.places import let_claims_pass, start_armed
from tests.support.product import Product
from tests.support.source import query
from tests.support.waiting import PATIENCE, until
from tests.support.warm import Warm
from tests.support.workload import NUMBERS

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(120)]

LINE = f"seq {NUMBERS[0]} {NUMBERS[-1]}; exit 5\n".encode()


class Replica:
    """A second process of a service, which stops itself at a place."""

    def __init__(self, process: Warm, address: str) -> None:
        self.process = process
        self.address = address

    async def stopped(self) -> bool:
        """Return whether it is stopped. It must not have ended."""
        assert self.process.returncode is None
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def go_on(self) -> None:
        """Continue it."""
        self.process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def replica(product: Product, service: str, fault: str) -> AsyncIterator[Replica]:
    """Start a second process of a service at an address of its own, and kill it after the block."""
    address = f"unix:{product.folder}/replica.sock"
    process = await start_armed(product, service, fault, listen=address)
    try:
        yield Replica(process, address)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _level(product: Product) -> bool:
    return await lag(product.installation.admin_url, "workspace") == 0


@pytest.mark.invariant("I1")
@pytest.mark.parametrize("place", ["relay.while_numbering", "relay.after_numbering", "relay.before_publish"])
async def test_relay_stopped_and_continued_changes_no_position(product: Product, place: str) -> None:
    """Another replica numbers and publishes meanwhile, also when the stopped one held the lock on the counter."""
    admin_url = product.installation.admin_url
    async with replica(product, "workspace", f"{place}:1:stop") as first:
        async with open_channel(first.address) as channel:
            with suppress(grpc.aio.AioRpcError):  # it may be stopped before it has answered
                await IdentityServiceStub(channel).CreateUser(sign_up_request(), wait_for_ready=True, timeout=PATIENCE)
        await until(first.stopped)
        await product.start("workspace")
        await product.start("audit")
        async with newcomer(product) as person:
            for _ in range(5):
                await person.create_key()
            await until(lambda: _level(product))
            numbered = await committed(admin_url, "workspace")
            first.go_on()
            for _ in range(5):
                await person.create_key()
        async with open_channel(first.address) as channel:
            await IdentityServiceStub(channel).CreateUser(sign_up_request(), wait_for_ready=True, timeout=PATIENCE)
        await until(lambda: _level(product))
    rows = await recorded(admin_url, "workspace")
    assert rows[: len(numbered)] == numbered
    assert ledger_is_the_record(await committed(admin_url, "workspace"), rows) + versions_count_up(rows) == []
    assert len(rows) == 3 * 2 + 10  # three people with a first key each, and ten keys


@pytest.mark.invariant("I14")
@pytest.mark.parametrize("place", ["reconcile.after_claim", "lifecycle.after_prepare", "reconcile.after_work"])
async def test_reconciler_stopped_past_its_claim_and_continued_writes_nothing(product: Product, place: str) -> None:
    """Another replica makes the room meanwhile; what the first one still does leaves no trace."""
    async with replica(product, "workspace", f"{place}:1:stop") as first:
        async with open_channel(first.address) as channel:
            user = await IdentityServiceStub(channel).CreateUser(
                sign_up_request(), wait_for_ready=True, timeout=PATIENCE
            )
            metadata = (("authorization", f"Bearer {user.secret}"),)
            rooms = channel.unary_unary(
                "/stateroom.workspace.v1.WorkspaceService/CreateWorkspace",
                request_serializer=workspace.CreateWorkspaceRequest.SerializeToString,
                response_deserializer=workspace_pb2.Workspace.FromString,
            )
            wanted = workspace.CreateWorkspaceRequest(workspace=workspace_pb2.Workspace(name="stopped"))
            with suppress(grpc.aio.AioRpcError):
                await rooms(wanted, metadata=metadata, timeout=PATIENCE)
        await until(first.stopped)
        await let_claims_pass(product, "workspace")
        await product.start("workspace")
        await until(lambda: _settled(product))
        made = await _row(product)
        first.go_on()
        async with open_channel(first.address) as channel:
            await IdentityServiceStub(channel).CreateUser(sign_up_request(), wait_for_ready=True, timeout=PATIENCE)
        await until(lambda: _settled(product))
        assert await _row(product) == made
        assert len(product.runners()) == 1


async def _row(product: Product) -> dict[str, object]:
    rows = await query(product.installation.admin_url, "SELECT * FROM workspace.workspaces")
    return dict(rows[0])


async def _settled(product: Product) -> bool:
    row = await _row(product)
    return row["state"] == "ACTIVE" and row["reconcile_time"] is None


@pytest.mark.invariant("I7")
@pytest.mark.parametrize("place", ["copier.before_commit", "copier.after_commit"])
async def test_copier_stopped_and_replaced_then_continued_stores_nothing_twice(product: Product, place: str) -> None:
    """Once PostgreSQL has lost it, another replica copies; the first one finds that the log is no longer its own."""
    await product.start("workspace")
    async with replica(product, "session", f"{place}:1:stop") as first, newcomer(product) as person:
        room = await person.settled(await person.create_room())
        async with open_channel(first.address) as channel:
            wanted = session.CreateSessionRequest(session=session_pb2.Session(workspace_id=room.workspace_id))
            opened = await SessionServiceStub(channel).CreateSession(
                wanted, metadata=person.metadata, wait_for_ready=True, timeout=20
            )
        await until(first.stopped)
        await _cut(product, "session")
        await product.start("session")
        async with open_channel(product.address("session")) as channel:
            stub = SessionServiceStub(channel)
            typing = session.WriteSessionRequest(session_id=opened.session_id, data=LINE)
            await stub.WriteSession(typing, metadata=person.metadata, wait_for_ready=True, timeout=PATIENCE)
            first.go_on()
            request = log_pb2.StreamOutputRequest(session_id=opened.session_id)
            streamed = stub.StreamOutput(request, metadata=person.metadata, timeout=PATIENCE)
            output = b"".join([part.data async for part in streamed])
        await until(lambda: _ended(product))
    stored = await query(
        product.installation.admin_url, "SELECT sequence, data FROM session.session_events ORDER BY sequence"
    )
    assert [row["sequence"] for row in stored] == list(range(1, len(stored) + 1))
    assert b"".join(row["data"] for row in stored) == output
    assert f"\r\n{NUMBERS[-1]}\r\n".encode() in output


async def _cut(product: Product, service: str) -> None:
    """Cut the connections of a service, as PostgreSQL does with those of a machine that is gone."""
    await query(
        product.installation.admin_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY($1)",
        [service, f"{service}_system"],
    )


async def _ended(product: Product) -> bool:
    rows = await query(product.installation.admin_url, "SELECT state, log_complete FROM session.sessions")
    return [tuple(row) for row in rows] == [("STOPPED", True)]
