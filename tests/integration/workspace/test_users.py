"""The first user and those after."""

import zlib

import grpc
from stateroom.workspace.v1 import identity_service_pb2 as pb
from stateroom.workspace.v1.identity_service_pb2_grpc import IdentityServiceStub

from chassis import ids
from chassis.rpc.credential import ALPHABET
from embedded import keys
from tests.support.people import Person, connected, newcomer, sign_up, sign_up_request
from tests.support.product import Product
from tests.support.refusals import Refusal, refused
from tests.support.source import query


async def test_create_user_where_sign_up_is_closed_takes_the_bootstrap_token_once(product: Product) -> None:
    """A wrong token is refused, the right one lets one person in, and a failed use does not use it up."""
    await product.start("workspace", sign_up="closed")
    token = keys.bootstrap_token_file(product.installation.layout).read_text().strip()
    async with connected(product) as channel:
        first = await _sign_up_refused(channel, token="")
        assert (first.code, first.reason) == (grpc.StatusCode.PERMISSION_DENIED, "BOOTSTRAP_TOKEN_REFUSED")
        assert await _sign_up_refused(channel, token=f"{token}x") == first
        person = await sign_up(product, channel, token=token)
        me = await person.keys.GetCurrentUser(pb.GetCurrentUserRequest(), metadata=person.metadata)
        assert me.user_id == person.user_id
        assert await _sign_up_refused(channel, token=token) == first
    rows = await query(product.installation.url("workspace_system"), "SELECT count(*) FROM users")
    assert rows[0][0] == 1


async def test_create_user_where_no_bootstrap_token_exists_is_refused(product: Product) -> None:
    """An empty token matches nothing, not even an empty setting."""
    await product.start("workspace", sign_up="closed", bootstrap_token_file=None)
    async with connected(product) as channel:
        assert (await _sign_up_refused(channel, token="")).reason == "BOOTSTRAP_TOKEN_REFUSED"


async def test_create_user_where_sign_up_is_open_gives_a_key_for_everything(person: Person) -> None:
    """The first key may do everything in the user's own account, and its secret opens it."""
    assert list(person.key.scopes) == ["*"]
    assert person.secret.startswith(person.key.key_prefix)
    me = await person.keys.GetCurrentUser(pb.GetCurrentUserRequest(), metadata=person.metadata)
    assert me.display_name == me.handle


async def test_create_user_with_a_taken_handle_or_address_names_the_field(person: Person) -> None:
    """Handles are unique, and addresses without regard to case."""
    name = f"u{ids.new().hex}"
    await person.keys.CreateUser(sign_up_request(name, email=f"{name}@example.com"))
    for request, field in (
        (sign_up_request(name), "handle"),
        (sign_up_request(email=f"{name.upper()}@Example.COM"), "email"),
    ):
        refusal = await refused(person.keys.CreateUser(request))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "USER_ALREADY_EXISTS")
        assert refusal.values == {"field": field}


async def test_call_without_or_with_a_wrong_credential_is_unauthenticated(person: Person) -> None:
    """A typing error is told from an unknown key; why a key is unknown is not told."""
    mistyped = person.secret[:-1] + ("A" if person.secret[-1] != "A" else "B")
    async with newcomer(person.product) as other:
        foreign_secret = _with_secret_of(person, other)
    for metadata, reason in (
        ((), "CREDENTIAL_MISSING"),
        ((("authorization", "Basic abc"),), "CREDENTIAL_INVALID"),
        ((("authorization", f"Bearer {mistyped}"),), "CREDENTIAL_MALFORMED"),
        ((("authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),), "CREDENTIAL_INVALID"),
        ((("authorization", f"Bearer {foreign_secret}"),), "CREDENTIAL_INVALID"),
    ):
        refusal = await refused(person.keys.GetCurrentUser(pb.GetCurrentUserRequest(), metadata=metadata))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, reason)


async def test_call_in_an_account_that_is_not_the_keys_own_is_refused(person: Person) -> None:
    """Neither another's account nor a text that names none can be chosen."""
    async with newcomer(person.product) as other:
        unknown = "00000000-0000-7000-8000-000000000000"
        not_allowed = (grpc.StatusCode.PERMISSION_DENIED, "ACCOUNT_NOT_ALLOWED")
        invalid = (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
        for account, answer in (
            (other.user_id, not_allowed),
            (unknown, not_allowed),
            ("nonsense", invalid),
            ("", invalid),
        ):
            metadata = (*person.metadata, ("stateroom-account", account))
            refusal = await refused(person.keys.GetCurrentUser(pb.GetCurrentUserRequest(), metadata=metadata))
            assert (refusal.code, refusal.reason) == answer
    metadata = (*person.metadata, ("stateroom-account", person.user_id))
    assert (await person.keys.GetCurrentUser(pb.GetCurrentUserRequest(), metadata=metadata)).user_id == person.user_id


def _with_secret_of(person: Person, other: Person) -> str:
    """Return a well-formed credential with one person's key id and another's secret."""
    kind, key_id, _, _ = person.secret.split("_")
    body = "_".join((kind, key_id, other.secret.split("_")[2]))
    return f"{body}_{_checksum(body)}"


def _checksum(body: str) -> str:
    """Return the checksum that anybody can compute."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, rest = divmod(number, len(ALPHABET))
        digits = ALPHABET[rest] + digits
    return digits


async def _sign_up_refused(channel: grpc.aio.Channel, *, token: str) -> Refusal:
    """Return how a sign-up is refused."""
    return await refused(IdentityServiceStub(channel).CreateUser(sign_up_request(token=token), wait_for_ready=True))
