"""No account reads, changes or infers another's: held by row security in every table, and by every RPC."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import grpc
import pytest
import pytest_asyncio
from stateroom.session.v1 import session_pb2, session_service_pb2
from stateroom.session.v1.session_service_pb2_grpc import SessionServiceStub
from stateroom.workspace.v1 import identity_service_pb2

from chassis import ids
from tests.support import waiting
from tests.support.contracts import Rpc
from tests.support.people import Person, newcomer
from tests.support.product import SERVICES, Product
from tests.support.refusals import Refusal, refused
from tests.support.requests import call, example, places, served, service_of
from tests.support.source import query

WITHOUT_ACCOUNT = {"alembic_version", "cursors", "relay_head"}
"""Reviewed: they say how far a service is, and nothing about anybody."""
_TABLES = """
SELECT relname AS name, relispartition AS partition, relrowsecurity AND relforcerowsecurity AS isolated,
    EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'account_id') AS has_account,
    EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid) AS has_policy,
    has_table_privilege($1, pg_class.oid, 'SELECT, INSERT, UPDATE, DELETE') AS allowed
FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p')
"""
OTHERS = [rpc for rpc in served() if rpc.access == "user"]
WITH_ID = [rpc for rpc in OTHERS if any(place.is_id for place in places(rpc.descriptor.input_type))]
LISTS = [rpc for rpc in OTHERS if rpc.name.startswith("List")]


@dataclass(frozen=True, slots=True)
class Two:
    """Somebody who owns one of everything, by the names of id fields, and somebody who owns nothing of it."""

    owner: Person
    stranger: Person
    owned: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owned(shared_product: Product) -> dict[str, str]:
    """Make one of everything; returns the ids of it by field name, and the secret of its owner."""
    async with newcomer(shared_product) as owner:
        room = await owner.settled(await owner.create_room())
        await owner.runner(room)
        found = {"workspace_id": room.workspace_id, "api_key_id": owner.key.api_key_id, "user_id": owner.user_id}
        if "session" in SERVICES:
            found["session_id"] = await _session(owner, room.workspace_id)
        if "audit" in SERVICES:
            found["audit_log_id"] = await _audit_log(owner)
        return found | {"entity_id": room.workspace_id, "secret": owner.secret}


async def _session(owner: Person, workspace_id: str) -> str:
    request = session_service_pb2.CreateSessionRequest(session=session_pb2.Session(workspace_id=workspace_id))
    async with grpc.aio.insecure_channel(owner.product.address("session")) as channel:
        stub = SessionServiceStub(channel)
        created = await stub.CreateSession(request, metadata=owner.metadata, timeout=20, wait_for_ready=True)
        events = session_service_pb2.ListSessionEventsRequest(session_id=created.session_id)

        async def recorded() -> bool:
            return bool((await stub.ListSessionEvents(events, metadata=owner.metadata)).session_events)

        await waiting.until(recorded)
    return str(created.session_id)


async def _audit_log(owner: Person) -> str:
    """Return an entry of the owner's, once the ledger has one."""
    url = owner.product.installation.url("audit_system")

    async def recorded() -> bool:
        return bool(await query(url, "SELECT FROM entries WHERE account_id = $1", owner.user_id))

    await waiting.until(recorded)
    rows = await query(url, "SELECT audit_log_id FROM entries WHERE account_id = $1 LIMIT 1", owner.user_id)
    return str(rows[0]["audit_log_id"])


@pytest_asyncio.fixture
async def two(shared_product: Product, owned: dict[str, str]) -> AsyncIterator[Two]:
    """Return the owner and a stranger."""
    async with newcomer(shared_product) as stranger:
        owner = Person(shared_product, stranger.channel, owned["user_id"], stranger.key, owned["secret"])
        yield Two(owner, stranger, owned)


@pytest.mark.parametrize("service", SERVICES)
async def test_table_with_an_account_always_has_row_security(service: str, shared_product: Product) -> None:
    """Both flags and a policy, or no way in for the service's role; a table without an account was reviewed."""
    tables = await query(shared_product.installation.admin_url, _TABLES, service)
    assert {table["name"] for table in tables if not table["has_account"]} <= WITHOUT_ACCOUNT
    for table in tables:
        if table["partition"] or table["name"] in WITHOUT_ACCOUNT:
            assert not table["allowed"], f"{table['name']} can be reached past row security"
        else:
            assert table["isolated"], table["name"]
            assert table["has_policy"], table["name"]


@pytest.mark.parametrize("service", SERVICES)
async def test_role_of_a_service_sees_and_changes_rows_of_its_account_only(service: str, two: Two) -> None:
    """With another account set, or none, the owner's rows do not exist."""
    installation = two.owner.product.installation
    tables = await query(installation.admin_url, _TABLES, service)
    owned = 0
    for name in (table["name"] for table in tables if table["has_account"] and not table["partition"]):
        for account in (two.stranger.user_id, str(ids.new()), ""):
            assert await _visible(two, service, name, account) in {0, None}, (name, account)
        owned += await _visible(two, service, name, two.owner.user_id) or 0
    assert owned > 0


async def _visible(two: Two, service: str, table: str, account: str) -> int | None:
    """Return how many of the owner's rows an account can read or change; None when the role may do neither."""
    connection = await asyncpg.connect(two.owner.product.installation.url(service))
    try:
        await connection.execute("SELECT set_config('app.account_id', $1, false)", account)
        seen = await connection.fetchval(f"SELECT count(*) FROM {table} WHERE account_id = $1", two.owner.user_id)  # noqa: S608  # names of our own
        if account == two.owner.user_id:
            return int(seen)
        return int(seen) + await _changeable(connection, table, two.owner.user_id)
    except asyncpg.InsufficientPrivilegeError:
        return None
    finally:
        await connection.close()


async def _changeable(connection: "asyncpg.Connection[asyncpg.Record]", table: str, owner: str) -> int:
    try:
        tag = await connection.execute(f"UPDATE {table} SET account_id = account_id WHERE account_id = '{owner}'")  # noqa: S608  # as above
    except asyncpg.InsufficientPrivilegeError:
        return 0
    return int(tag.rpartition(" ")[2])


@pytest.mark.parametrize("rpc", [rpc for rpc in WITH_ID if rpc not in LISTS], ids=lambda rpc: rpc.descriptor.full_name)
async def test_rpc_with_the_id_of_another_account_answers_as_for_an_unknown_one(rpc: Rpc, two: Two) -> None:
    """NOT_FOUND with the same words, so nothing can be learned from the difference."""
    missing = {place.field.name for place in places(rpc.descriptor.input_type) if place.is_id} - set(two.owned)
    assert not missing, f"the owner has none of {missing}: make one in the fixture `owned`"
    unknown = {name: str(ids.new()) for name in two.owned}
    foreign = await _refusal(rpc, two, two.owned)
    assert foreign.code is grpc.StatusCode.NOT_FOUND
    assert _without(foreign, two.owned) == _without(await _refusal(rpc, two, unknown), unknown)


async def _refusal(rpc: Rpc, two: Two, known: dict[str, str]) -> Refusal:
    async with grpc.aio.insecure_channel(two.owner.product.address(service_of(rpc))) as channel:
        return await refused(call(channel, rpc, example(rpc, known), two.stranger.metadata))


def _without(refusal: Refusal, known: dict[str, str]) -> str:
    text = repr(refusal)
    for name in sorted(known):
        text = text.replace(known[name], "<id>")
    return text


@pytest.mark.parametrize("rpc", LISTS, ids=lambda rpc: rpc.descriptor.full_name)
async def test_list_by_a_stranger_holds_nothing_of_the_owner(rpc: Rpc, two: Two) -> None:
    """Neither the plain list nor one that is narrowed to the owner's ids shows the owner's things."""
    for narrowed in (False, True):
        request = example(rpc, two.owned)
        for place in places(rpc.descriptor.input_type):
            if narrowed and place.is_id and place.field.name in two.owned:
                setattr(request, place.field.name, two.owned[place.field.name])
        shown = [await _answer(rpc, two, request, person) for person in (two.owner, two.stranger)]
        assert shown[0]
        assert not any(value in shown[1] for name, value in two.owned.items() if name != "secret")


async def _answer(rpc: Rpc, two: Two, request: object, person: Person) -> str:
    async with grpc.aio.insecure_channel(two.owner.product.address(service_of(rpc))) as channel:
        try:
            return str(await call(channel, rpc, request, person.metadata))  # type: ignore[arg-type]  # a message
        except grpc.aio.AioRpcError as exc:
            assert exc.code() is grpc.StatusCode.NOT_FOUND  # noqa: PT017  # the other right answer
            return ""


async def test_page_token_of_another_account_is_refused(two: Two) -> None:
    """A token carries no authority."""
    await two.owner.create_key()
    page = await two.owner.keys.ListApiKeys(
        identity_service_pb2.ListApiKeysRequest(page_size=1), metadata=two.owner.metadata
    )
    request = identity_service_pb2.ListApiKeysRequest(page_size=1, page_token=page.next_page_token)
    refusal = await refused(two.stranger.keys.ListApiKeys(request, metadata=two.stranger.metadata))
    assert refusal.reason == "INVALID_PAGE_TOKEN"
