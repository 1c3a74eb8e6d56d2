"""Authorization: each policy against each kind of caller, and the cache of exchanged credentials."""

from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from stateroom.api.v1 import policy_pb2
from stateroom.session.v1 import session_service_pb2
from stateroom.workspace.v1 import identity_service_pb2

from chassis import ids
from chassis.errors import (
    CallerNotAllowed,
    CredentialInvalid,
    CredentialMalformed,
    CredentialMissing,
    DomainError,
    RateLimited,
    RoleTooLow,
    ScopeMissing,
)
from chassis.rpc import auth, credential, policy
from chassis.rpc.call import ANONYMOUS, Call, Principal
from chassis.rpc.rates import Attempts, Rate
from chassis.rpc.token_cache import ACCOUNT_KEY
from chassis.rpc.tokens import TokenVerifier
from tests.support.tokens import USER, Keys

ACCOUNT = ids.new()
SESSIONS = {
    method.descriptor.name: method
    for method in policy.methods(session_service_pb2.DESCRIPTOR.services_by_name["SessionService"])
}
IDENTITY = {
    method.descriptor.name: method
    for method in policy.methods(identity_service_pb2.DESCRIPTOR.services_by_name["IdentityService"])
}
USER_METHOD = SESSIONS["CreateSession"]  # sessions.write, MEMBER
INTERNAL_METHOD = IDENTITY["ExchangeCredential"]
TICKET_METHOD = SESSIONS["ObserveSession"]  # sessions.read, VIEWER
ANONYMOUS_METHOD = IDENTITY["CreateUser"]


def _user(role: int = policy_pb2.MEMBER, scope: str = "sessions.write", account: UUID | None = ACCOUNT) -> Principal:
    return Principal(subject=str(ids.new()), account_id=account, role=role, scopes=frozenset({scope}))


ALLOWED = {
    "member with the scope": (USER_METHOD, _user()),
    "owner with every scope": (USER_METHOD, _user(policy_pb2.OWNER, "*")),
    "service that is named": (INTERNAL_METHOD, Principal(subject="service:gateway")),
    "nobody where anybody may": (ANONYMOUS_METHOD, ANONYMOUS),
}
REFUSED = {
    "viewer": (USER_METHOD, _user(policy_pb2.VIEWER), RoleTooLow),
    "no role": (USER_METHOD, _user(0), RoleTooLow),
    "scope to read": (USER_METHOD, _user(scope="sessions.read"), ScopeMissing),
    "scope of another resource": (USER_METHOD, _user(scope="workspaces.write"), ScopeMissing),
    "service for itself": (USER_METHOD, Principal(subject="service:gateway"), CallerNotAllowed),
    "user on an internal method": (INTERNAL_METHOD, _user(policy_pb2.OWNER, "*"), CallerNotAllowed),
    "service that is not named": (INTERNAL_METHOD, Principal(subject="service:runner"), CallerNotAllowed),
    "nobody on an internal method": (INTERNAL_METHOD, ANONYMOUS, CallerNotAllowed),
    "user named like a service": (INTERNAL_METHOD, Principal(subject="gateway"), CallerNotAllowed),
}


def _refusal(method: policy.Method, principal: Principal) -> type[Exception] | None:
    """Return why a caller is refused; None for one who is let in."""
    try:
        auth.authorize(Call(method, {}, "", principal=principal))
    except DomainError as exc:
        return type(exc)
    return None


@pytest.mark.parametrize(("method", "principal"), ALLOWED.values(), ids=ALLOWED.keys())
def test_authorize_within_the_policy_lets_the_caller_in(method: policy.Method, principal: Principal) -> None:
    """Who fulfils the policy passes."""
    assert _refusal(method, principal) is None


@pytest.mark.parametrize(("method", "principal", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_authorize_outside_the_policy_refuses(
    method: policy.Method, principal: Principal, error: type[Exception]
) -> None:
    """Who does not fulfil it is told what is missing."""
    assert _refusal(method, principal) is error


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({}, CredentialMissing),
        ({"authorization": ""}, CredentialMissing),
        ({"authorization": "Bearer "}, CredentialInvalid),
        ({"authorization": "Basic dTpw"}, CredentialInvalid),
        ({"authorization": "srk_x"}, CredentialInvalid),
    ],
)
def test_bearer_without_a_credential_refuses(metadata: dict[str, str], error: type[Exception]) -> None:
    """Only `Bearer <something>` carries a credential."""
    with pytest.raises(error):
        auth.bearer(metadata)


def test_bearer_in_any_case_returns_the_credential() -> None:
    """The scheme's case does not matter (RFC 9110)."""
    assert auth.bearer({"authorization": "bEARER srk_a_b_c"}) == "srk_a_b_c"


class _Exchange:
    """Stands for the workspace service: answers with a token, and counts how often it was asked."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.asked: list[tuple[str, str]] = []
        self.refusal: Exception | None = None

    async def __call__(self, text: str, account: str) -> str:
        self.asked.append((text, account))
        if self.refusal is not None:
            raise self.refusal
        return self.token


def _authenticator(keys: Keys, exchange: _Exchange, rate_refused: str = "unlimited") -> auth.ServiceAuthenticator:
    return auth.ServiceAuthenticator(TokenVerifier(keys.trust), exchange, Attempts(Rate.parse(rate_refused)))


class _Tickets:
    """Stands for a service that gives out tickets: each works once, until `revoked`."""

    def __init__(self) -> None:
        self.unused = {"a ticket"}
        self.holder = Principal(
            "link:1", ACCOUNT, policy_pb2.VIEWER, frozenset({"sessions.read"}), "1", "guest", ids.new()
        )
        self.revoked = False

    async def redeem(self, text: str) -> Principal:
        if text not in self.unused:
            raise CredentialInvalid
        self.unused.remove(text)
        return await self.confirm(self.holder)

    async def confirm(self, holder: Principal) -> Principal:
        if self.revoked or holder != self.holder:
            raise CredentialInvalid
        return holder


def _ticket_office(keys: Keys, tickets: _Tickets, rate_refused: str = "unlimited") -> auth.ServiceAuthenticator:
    attempts = Attempts(Rate.parse(rate_refused))
    return auth.ServiceAuthenticator(TokenVerifier(keys.trust), _Exchange(keys.forge()), attempts, tickets)


async def test_authenticate_with_a_ticket_uses_it_up_and_asks_again_for_its_holder(tmp_path: Path) -> None:
    """One call gets in, for as long as its holder is confirmed; what its gateway says of the client is believed."""
    keys, tickets = Keys(tmp_path), _Tickets()
    authenticator = _ticket_office(keys, tickets)
    ((_, gateway),) = keys.signer("gateway").metadata()
    metadata = {"authorization": gateway, auth.TICKET_KEY: "a ticket", "stateroom-ip-address": "192.0.2.9"}
    first, second = (Call(TICKET_METHOD, metadata, "127.0.0.1") for _ in range(2))
    first.principal = await authenticator.authenticate(first)
    auth.authorize(first)
    assert (first.principal, first.ip_address) == (tickets.holder, "192.0.2.9")
    assert await authenticator.authenticate(first) == tickets.holder
    with pytest.raises(CredentialInvalid):
        await authenticator.authenticate(second)
    tickets.revoked = True
    with pytest.raises(CredentialInvalid):
        await authenticator.authenticate(first)


async def test_authenticate_with_a_ticket_opens_no_method_that_does_not_take_one(tmp_path: Path) -> None:
    """It is no credential: whoever shows nothing else is nobody, and the ticket is not even looked at."""
    tickets = _Tickets()
    authenticator = _ticket_office(Keys(tmp_path), tickets)
    with pytest.raises(CredentialMissing):
        await authenticator.authenticate(Call(USER_METHOD, {auth.TICKET_KEY: "a ticket"}, ""))
    assert tickets.unused


async def test_authenticate_with_many_wrong_tickets_makes_their_address_wait(tmp_path: Path) -> None:
    """Guessing is slowed down as it is with credentials."""
    authenticator = _ticket_office(Keys(tmp_path), _Tickets(), "1/h burst 2")
    call = Call(TICKET_METHOD, {auth.TICKET_KEY: "no ticket"}, "192.0.2.1")
    for error in (CredentialInvalid, CredentialInvalid, RateLimited):
        with pytest.raises(error):
            await authenticator.authenticate(call)


async def test_authenticate_twice_with_one_credential_exchanges_it_once_for_each_account(tmp_path: Path) -> None:
    """The exchange is remembered by credential and account, never across accounts."""
    keys = Keys(tmp_path)
    exchange = _Exchange(keys.forge())
    authenticator = _authenticator(keys, exchange)
    text = credential.mint(credential.API_KEY, ids.new()).text
    for named in ({}, {}, {ACCOUNT_KEY: str(ACCOUNT)}):
        call = Call(USER_METHOD, {"authorization": f"Bearer {text}"} | named, "")
        assert (await authenticator.authenticate(call)).subject == USER.subject
    assert exchange.asked == [(text, ""), (text, str(ACCOUNT))]


async def test_authenticate_with_a_fresh_answer_wanted_does_not_trust_the_last_one(tmp_path: Path) -> None:
    """An open stream's check asks again, although its credential was exchanged a moment ago."""
    keys = Keys(tmp_path)
    exchange = _Exchange(keys.forge())
    authenticator = _authenticator(keys, exchange)
    text = credential.mint(credential.API_KEY, ids.new()).text
    call = Call(USER_METHOD, {"authorization": f"Bearer {text}"}, "")
    await authenticator.authenticate(call)
    exchange.refusal = CredentialInvalid()
    await authenticator.authenticate(call)
    with pytest.raises(CredentialInvalid):
        await authenticator.authenticate(call, max_age=0)
    assert len(exchange.asked) == 2


async def test_authenticate_with_a_mistyped_credential_asks_nobody(tmp_path: Path) -> None:
    """The checksum refuses it before any look-up."""
    keys = Keys(tmp_path)
    exchange = _Exchange(keys.forge())
    call = Call(USER_METHOD, {"authorization": "Bearer srk_a_b_c"}, "")
    with pytest.raises(CredentialMalformed):
        await _authenticator(keys, exchange).authenticate(call)
    assert exchange.asked == []


async def test_authenticate_after_many_refusals_from_an_address_looks_at_no_new_credential_from_there(
    tmp_path: Path,
) -> None:
    """Who guesses must wait; who is known goes on, from the same address too, and other addresses are free."""
    keys = Keys(tmp_path)
    exchange = _Exchange(keys.forge())
    authenticator = _authenticator(keys, exchange, "2/h")

    def call(text: str, address: str) -> Call:
        return Call(USER_METHOD, {"authorization": f"Bearer {text}"}, address)

    known, *others = (credential.mint(credential.API_KEY, ids.new()).text for _ in range(5))
    await authenticator.authenticate(call(known, "192.0.2.1"))
    exchange.refusal = CredentialInvalid()
    for text in others[:2]:
        with pytest.raises(CredentialInvalid):
            await authenticator.authenticate(call(text, "192.0.2.1"))
    exchange.refusal = None
    with pytest.raises(RateLimited) as refused:
        await authenticator.authenticate(call(others[2], "192.0.2.1"))
    assert refused.value.retry_after is not None
    assert refused.value.values["caller"] == "address"
    assert len(exchange.asked) == 3
    await authenticator.authenticate(call(known, "192.0.2.1"), max_age=0)
    await authenticator.authenticate(call(others[2], "192.0.2.2"))


@pytest.mark.parametrize(("shown", "believed"), [("service", True), ("user", False), ("forged", False), ("", False)])
async def test_authenticate_an_anonymous_call_believes_its_origin_from_a_service_only(
    tmp_path: Path, shown: str, *, believed: bool
) -> None:
    """The client's address, by which such calls are counted, cannot be made up by the client."""
    keys = Keys(tmp_path)
    tokens = {"service": keys.signer("gateway").own(), "user": keys.forge(), "forged": "eyJ.eyJ.eyJ"}
    metadata = {"stateroom-ip-address": "192.0.2.9"} | ({"authorization": f"Bearer {tokens[shown]}"} if shown else {})
    call = Call(ANONYMOUS_METHOD, metadata, "192.0.2.1")
    assert await _authenticator(keys, _Exchange("")).authenticate(call) == ANONYMOUS
    assert call.ip_address == ("192.0.2.9" if believed else "192.0.2.1")


async def test_runner_authenticator_knows_its_token_only() -> None:
    """A runner keeps a digest, and refuses every other text."""
    authenticator = auth.RunnerAuthenticator(sha256(b"right").digest())
    call = Call(USER_METHOD, {"authorization": "Bearer right"}, "")
    assert (await authenticator.authenticate(call)).subject == "holder"
    call.metadata["authorization"] = "Bearer wrong"
    with pytest.raises(auth.RunnerTokenRefused):
        await authenticator.authenticate(call)
