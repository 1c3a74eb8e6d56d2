"""Who calls, and whether the method's policy lets them."""

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from stateroom.api.v1 import policy_pb2

from chassis.errors import (
    CallerNotAllowed,
    CredentialInvalid,
    CredentialMissing,
    RoleTooLow,
    ScopeMissing,
    Unauthenticated,
)
from chassis.rpc import credential
from chassis.rpc.call import ANONYMOUS, Call, Principal
from chassis.rpc.rates import Attempts
from chassis.rpc.token_cache import CACHE_SECONDS, Exchange, TokenCache, account_in

if TYPE_CHECKING:  # a runner authenticates without tokens, and must not load cryptography for them
    from chassis.rpc.tokens import TokenVerifier

EVERYTHING = "*"
"""The scope that holds every permission."""

TICKET_KEY = "stateroom-ticket"
"""The metadata that carries a ticket; a client of REST puts it into the query of its URL."""

_BEARER = "bearer "
_JWT = "eyJ"  # how every token of the installation begins, and no credential


class RunnerTokenRefused(Unauthenticated):
    """The runner's token does not match."""

    reason = "RUNNER_TOKEN_REFUSED"


class Authenticator(Protocol):
    """Tells who makes a call."""

    async def authenticate(self, call: Call, *, max_age: float = CACHE_SECONDS) -> Principal:
        """Return the caller as known at most `max_age` seconds ago, or raise Unauthenticated or PermissionDenied."""


class Tickets(Protocol):
    """Knows who came with a ticket, for methods whose policy lets them in."""

    async def redeem(self, text: str) -> Principal:
        """Use a ticket up and return its holder. CredentialMalformed or CredentialInvalid."""

    async def confirm(self, holder: Principal) -> Principal:
        """Return who used a ticket up, with the rights of now. CredentialInvalid when none is left."""


class ServiceAuthenticator:
    """Knows callers by tokens of the installation, by credentials that it has exchanged for one, or by tickets."""

    def __init__(
        self, verifier: "TokenVerifier", exchange: Exchange, attempts: Attempts, tickets: Tickets | None = None
    ) -> None:
        self._verifier = verifier
        self._tokens = TokenCache(exchange, attempts)
        self._attempts = attempts
        self._tickets = tickets

    async def authenticate(self, call: Call, *, max_age: float = CACHE_SECONDS) -> Principal:
        """Return the caller. CredentialMissing, -Malformed or -Invalid when there is none, RateLimited after many."""
        if call.method.policy.WhichOneof("access") == "anonymous":
            call.forwarded = self._is_forwarded(call)
            return ANONYMOUS
        if self._tickets is not None and has_ticket(call):
            call.forwarded = self._is_forwarded(call)
            return await self._holder(call, self._tickets)
        text = bearer(call.metadata)
        if text.startswith(_JWT):
            principal = self._verifier.verify(text)
            call.forwarded = True
            return principal
        credential.parse(text)
        account = account_in(call.metadata)
        token = await self._tokens.token(text, account, max_age=max_age, address=call.peer_address)
        return self._verifier.verify(token)

    async def _holder(self, call: Call, tickets: Tickets) -> Principal:
        if call.principal.resource_id is not None:
            return await tickets.confirm(call.principal)
        self._attempts.check(call.ip_address)
        try:
            return await tickets.redeem(call.metadata[TICKET_KEY])
        except Unauthenticated:
            self._attempts.note(call.ip_address)
            raise

    def _is_forwarded(self, call: Call) -> bool:
        """Whether a call that needs no credential of its own shows that a service of ours makes it."""
        try:
            return self._verifier.verify(bearer(call.metadata)).is_service
        except Unauthenticated:
            return False


class RunnerAuthenticator:
    """Knows the one caller of a runner by its token, of which only the SHA-256 is kept."""

    def __init__(self, token_sha256: bytes) -> None:
        self._token_sha256 = token_sha256

    async def authenticate(self, call: Call, *, max_age: float = CACHE_SECONDS) -> Principal:  # noqa: ARG002  # fixed
        """Return the caller, or raise RunnerTokenRefused."""
        sent = sha256(call.metadata.get("authorization", "").removeprefix("Bearer ").encode()).digest()
        if not hmac.compare_digest(sent, self._token_sha256):
            raise RunnerTokenRefused
        return Principal(subject="holder")


def has_ticket(call: Call) -> bool:
    """Whether the caller shows a ticket instead of a credential, to a method that takes one."""
    return call.method.policy.user.ticket and TICKET_KEY in call.metadata


def bearer(metadata: dict[str, str]) -> str:
    """Return the credential of the `authorization` metadata. CredentialMissing or CredentialInvalid without one."""
    value = metadata.get("authorization", "")
    if not value:
        raise CredentialMissing
    if not value[: len(_BEARER)].lower() == _BEARER or not value[len(_BEARER) :]:
        raise CredentialInvalid
    return value[len(_BEARER) :]


def suffices(role: int, access: policy_pb2.UserAccess) -> bool:
    """Whether a role in the acting account is enough for a method."""
    return role >= access.role or (access.auditor and role == policy_pb2.AUDITOR)


def authorize(call: Call) -> None:
    """Hold the caller against the method's policy: CallerNotAllowed, ScopeMissing or RoleTooLow."""
    policy, principal = call.method.policy, call.principal
    access = policy.WhichOneof("access")
    if access == "internal":
        if not principal.is_service or principal.subject.removeprefix("service:") not in policy.internal.callers:
            raise CallerNotAllowed(principal.subject if principal.is_service else "user")
    elif access == "user":
        if principal.account_id is None:
            raise CallerNotAllowed(principal.subject)
        if not {policy.user.permission, EVERYTHING} & principal.scopes:
            raise ScopeMissing(policy.user.permission)
        if not suffices(principal.role, policy.user):
            raise RoleTooLow(policy_pb2.Role.Name(principal.role), policy_pb2.Role.Name(policy.user.role))  # type: ignore[arg-type]
