"""No account reads, changes or infers another's: held by row security in every table, and by every RPC."""

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import grpc
import httpx2
import pytest
import pytest_asyncio
from stateroom.workspace.v1 import identity_service_pb2
from stateroom.workspace.v1.identity_service_pb2_grpc import IdentityServiceStub

from chassis import ids
from embedded import keys
from tests.support.contracts import Rpc
from tests.support.gateway_process import running_gateway
from tests.support.people import Person, connected
from tests.support.product import SERVICES, Product
from tests.support.refusals import Refusal, refused
from tests.support.requests import call, example, places, served, service_of
from tests.support.rest_form import Mapping, mappings, rest_form
from tests.support.source import query
from tests.support.two_accounts import Two

PUBLIC = {"handles"}
"""Reviewed: everybody may read which handles there are, and whose."""
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
WITH_ID = [
    rpc for rpc in OTHERS if any(place.is_id and not place.narrows for place in places(rpc.descriptor.input_type))
]
SAME = {"X-Request-Id": "same", "Content-Type": "application/json"}
ROUTES = [
    pytest.param(rpc, mapping, id=str(mapping))
    for rpc in WITH_ID
    if not rpc.is_list and not rpc.descriptor.client_streaming
    for mapping in mappings(rpc.descriptor)
]
LISTS = [rpc for rpc in OTHERS if rpc.is_list]
ALONE = {"ListExecutions.agent_id", "ListExecutions.deployment_id", "ListDeployments.parent_agent_id"}
"""Filters beside which others leave nothing: what runs a workflow runs no agent."""


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
    """With another account set, an empty one, or none at all, the owner's rows do not exist."""
    installation = two.owner.product.installation
    tables = await query(installation.admin_url, _TABLES, service)
    owned = 0
    for name in (table["name"] for table in tables if table["has_account"] and not table["partition"]):
        for account in (two.stranger.user_id, str(ids.new()), "", None):
            allowed = {0, 1, None} if name in PUBLIC else {0, None}
            assert await _visible(two, service, name, account) in allowed, (name, account)
        owned += await _visible(two, service, name, two.owner.user_id) or 0
    assert owned > 0


async def _visible(two: Two, service: str, table: str, account: str | None) -> int | None:
    """Return how many of the owner's rows an account can read or change; None when the role may do neither."""
    connection = await asyncpg.connect(two.owner.product.installation.url(service))
    try:
        if account is not None:  # a connection on which nobody ever said for whom it is
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
            if narrowed and place.is_id and place.field.name in two.owned and f"{rpc.name}.{place.path}" not in ALONE:
                usual = two.owned[place.field.name]
                setattr(request, place.field.name, two.owned.get(f"{rpc.name}.{place.field.name}", usual))
        shown = [await _answer(rpc, two, request, person) for person in (two.owner_for(rpc.name), two.stranger)]
        assert shown[0]
        assert not any(value in shown[1] for name, value in two.owned.items() if name != "secret")


async def _answer(rpc: Rpc, two: Two, request: object, person: Person) -> str:
    async with grpc.aio.insecure_channel(two.owner.product.address(service_of(rpc))) as channel:
        try:
            return str(await call(channel, rpc, request, person.metadata))  # type: ignore[arg-type]  # a message
        except grpc.aio.AioRpcError as exc:
            assert exc.code() is grpc.StatusCode.NOT_FOUND  # noqa: PT017  # the other right answer
            return ""


@pytest.mark.parametrize("rpc", LISTS, ids=lambda rpc: rpc.descriptor.full_name)
async def test_page_token_of_another_account_is_refused(rpc: Rpc, two: Two) -> None:
    """A token carries no authority: it continues the list of the account that got it."""
    request = example(rpc, two.owned)
    request.page_size = 1  # type: ignore[attr-defined]  # every list has one
    async with grpc.aio.insecure_channel(two.owner.product.address(service_of(rpc))) as channel:
        page = await call(channel, rpc, request, two.owner_for(rpc.name).metadata)
        assert page.next_page_token, "make a second one in the fixture `owned`"
        request.page_token = page.next_page_token  # type: ignore[attr-defined]  # as above
        refusal = await refused(call(channel, rpc, request, two.stranger.metadata))
    assert refusal.reason in {"INVALID_PAGE_TOKEN", "SESSION_NOT_FOUND"}


@pytest.mark.parametrize("rpc", OTHERS, ids=lambda rpc: rpc.descriptor.full_name)
async def test_rpc_for_another_account_answers_as_for_an_unknown_one(rpc: Rpc, two: Two) -> None:
    """Metadata that names an account one does not belong to is refused before anything is looked up."""
    answers = []
    for account in (two.owner.user_id, str(ids.new())):
        metadata = (*two.stranger.metadata, ("stateroom-account", account))
        async with grpc.aio.insecure_channel(two.owner.product.address(service_of(rpc))) as channel:
            refusal = await refused(call(channel, rpc, example(rpc, two.owned), metadata))
        answers.append(repr(refusal).replace(account, "<account>"))
        assert refusal.code in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED}
    assert answers[0] == answers[1]


async def test_request_id_of_another_account_means_nothing(two: Two) -> None:
    """Who knows somebody's request id learns nothing by it and gets what he asks for."""
    wanted = identity_service_pb2.CreateApiKeyRequest(
        api_key=identity_service_pb2.ApiKey(name="mine"), request_id=str(ids.new())
    )
    created = [
        (await person.keys.CreateApiKey(wanted, metadata=person.metadata)).api_key
        for person in (two.owner, two.stranger)
    ]
    assert created[0].api_key_id != created[1].api_key_id
    own = identity_service_pb2.GetApiKeyRequest(api_key_id=created[1].api_key_id)
    assert await two.stranger.keys.GetApiKey(own, metadata=two.stranger.metadata) == created[1]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gateway(shared_product: Product) -> AsyncIterator[str]:
    """Run a gateway in front of the services; returns its URL."""
    layout = shared_product.installation.layout
    settings = {f"{name.upper()}_ADDRESS": shared_product.address(name) for name in SERVICES} | {
        "SIGNING_KEY_FILE": str(keys.signing_key_file(layout, "gateway")),
        "TRUST_KEYS_FILE": str(keys.trust_keys_file(layout)),
    }
    async with running_gateway(shared_product.folder, "", **settings) as (listening, _):
        yield f"http://{listening}"


@pytest.mark.parametrize(("rpc", "mapping"), ROUTES)
async def test_route_with_the_id_of_another_account_answers_as_for_an_unknown_one(
    rpc: Rpc, mapping: Mapping, two: Two, gateway: str
) -> None:
    """404 with the same body, whether the id stands in the path, the query or the body."""
    unknown = {name: str(ids.new()) for name in two.owned}
    bodies = []
    async with httpx2.AsyncClient(base_url=gateway, headers={"Authorization": f"Bearer {two.stranger.secret}"}) as http:
        for known in (two.owned, unknown):
            rest = rest_form(mapping, example(rpc, known))
            answer = await http.request(rest.method, f"{rest.path}?{rest.query}", content=rest.body, headers=SAME)
            assert answer.status_code == 404, answer.text
            bodies.append(_without_ids(answer.text, known))
    assert bodies[0] == bodies[1]


def _without_ids(text: str, known: dict[str, str]) -> object:
    for value in known.values():
        text = text.replace(value, "<id>")
    return json.loads(text)


async def test_requests_of_two_accounts_on_two_connections_never_see_each_other(two: Two) -> None:
    """500 requests share a pool of two: what one transaction says of its account does not reach the next."""
    product = two.owner.product
    await product.start("workspace", replica="small", database_pool_size=2)
    async with connected(product, "small") as channel:
        stub = IdentityServiceStub(channel)

        async def own(person: Person) -> bool:
            listed = await stub.ListApiKeys(
                identity_service_pb2.ListApiKeysRequest(), metadata=person.metadata, wait_for_ready=True, timeout=30
            )
            return set() < {key.api_key_id for key in listed.api_keys} <= visible[person.user_id]

        visible = {person.user_id: await _keys_in_sql(product, person) for person in (two.owner, two.stranger)}
        assert not visible[two.owner.user_id] & visible[two.stranger.user_id]

        try:
            for _ in range(10):
                assert all(
                    await asyncio.gather(*(own(person) for _ in range(25) for person in (two.owner, two.stranger)))
                )
        finally:
            await product.kill("small")


async def _keys_in_sql(product: Product, person: Person) -> set[str]:
    rows = await query(
        product.installation.admin_url,
        "SELECT api_key_id FROM workspace.api_keys WHERE account_id = $1",
        person.user_id,
    )
    return {str(row["api_key_id"]) for row in rows}
