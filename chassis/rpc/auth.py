"""Who calls, and whether the method's policy lets them."""

import hmac
import time
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

if TYPE_CHECKING:  # a runner authenticates without tokens, and must not load cryptography for them
    from chassis.rpc.tokens import TokenVerifier

ACCOUNT_KEY = "stateroom-account"
EVERYTHING = "*"
"""The scope that holds every permission."""

_CACHE_SECONDS = 4.0  # below the 5 s within which a revocation must work
_CACHED = 10_000
_BEARER = "bearer "


class RunnerTokenRefused(Unauthenticated):
    """The runner's token does not match."""

    reason = "RUNNER_TOKEN_REFUSED"


class Authenticator(Protocol):
    """Tells who makes a call."""

    async def authenticate(self, call: Call) -> Principal:
        """Return the caller, or raise Unauthenticated or PermissionDenied."""


class Exchange(Protocol):
    """Turns a credential into a token of ours."""

    async def __call__(self, text: str, account: str) -> str:
        """Return a token for the credential, or raise what the workspace service answered."""


class ServiceAuthenticator:
    """Knows callers by tokens of the installation, or by credentials that it has exchanged for one.

    An exchange is remembered for 4 seconds, so a revoked credential works no longer than that.
    """

    def __init__(self, verifier: "TokenVerifier", exchange: Exchange) -> None:
        self._verifier = verifier
        self._exchange = exchange
        self._cache: dict[tuple[str, str], tuple[float, Principal]] = {}

    async def authenticate(self, call: Call) -> Principal:
        """Return the caller. CredentialMissing, -Malformed or -Invalid when there is none."""
        if call.method.policy.WhichOneof("access") == "anonymous":
            return ANONYMOUS
        text = bearer(call.metadata)
        if text.startswith("eyJ"):
            return self._verifier.verify(text)
        key = (text, call.metadata.get(ACCOUNT_KEY, ""))
        expiry, principal = self._cache.get(key, (0.0, ANONYMOUS))
        if time.monotonic() < expiry:
            return principal
        credential.parse(text)
        self._cache.pop(key, None)
        principal = self._verifier.verify(await self._exchange(*key))
        if len(self._cache) >= _CACHED:
            self._cache.clear()
        self._cache[key] = (time.monotonic() + _CACHE_SECONDS, principal)
        return principal


class RunnerAuthenticator:
    """Knows the one caller of a runner by its token, of which only the SHA-256 is kept."""

    def __init__(self, token_sha256: bytes) -> None:
        self._token_sha256 = token_sha256

    async def authenticate(self, call: Call) -> Principal:
        """Return the caller, or raise RunnerTokenRefused."""
        sent = sha256(call.metadata.get("authorization", "").removeprefix("Bearer ").encode()).digest()
        if not hmac.compare_digest(sent, self._token_sha256):
            raise RunnerTokenRefused
        return Principal(subject="holder")


def bearer(metadata: dict[str, str]) -> str:
    """Return the credential of the `authorization` metadata. CredentialMissing or CredentialInvalid without one."""
    value = metadata.get("authorization", "")
    if not value:
        raise CredentialMissing
    if not value[: len(_BEARER)].lower() == _BEARER or not value[len(_BEARER) :]:
        raise CredentialInvalid
    return value[len(_BEARER) :]


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
        if principal.role < policy.user.role:
            raise RoleTooLow(policy_pb2.Role.Name(principal.role), policy_pb2.Role.Name(policy.user.role))  # type: ignore[arg-type]
