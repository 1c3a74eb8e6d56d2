"""Credentials of requests: where they may stand, and the short-lived tokens they are exchanged for."""

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from chassis.errors import CredentialMalformed, CredentialMissing, Unavailable
from chassis.rpc import credential
from chassis.rpc.auth import Exchange
from gateway.errors import CredentialInUrl
from gateway.http import HttpRequest

SUBPROTOCOL_PREFIX = "bearer."
"""Browsers cannot set headers on a WebSocket: they offer the credential as a subprotocol with this prefix."""

CACHE_SECONDS = 4.0
"""How long an exchange is trusted; with the second below under the 5 within which a revocation must work."""
RECHECK_SECONDS = 4.0
_RECHECK_MAX_AGE = 0.5  # streams that share a credential share its checks
_CACHED = 10_000

_CREDENTIAL = re.compile(r"sr[a-z]_[0-9A-Za-z]+_[0-9A-Za-z]+_[0-9A-Za-z]+")
_PARAMETER = re.compile(r"(?:^|&)(?:access_token|accessToken|api_?key|apiKey|authorization|token)=[^&]", re.IGNORECASE)
_BEARER = "bearer "


def check_url(request: HttpRequest) -> None:
    """Refuse credentials in the path, the query or the host. Raises CredentialInUrl."""
    query = request.query.decode("latin-1")
    in_host = "@" in request.headers.get("host", "")
    if in_host or _CREDENTIAL.search(query) or _PARAMETER.search(query) or _CREDENTIAL.search(request.path):
        raise CredentialInUrl


def credential_of(request: HttpRequest, subprotocols: Sequence[str] = ()) -> str:
    """Return the credential that came with a request.

    Raises:
        CredentialMissing: there is none.
        CredentialMalformed: it is not of our form, or its checksum is wrong.
    """
    header = request.headers.get("authorization", "")
    offered = [item for item in subprotocols if item.startswith(SUBPROTOCOL_PREFIX)]
    if header:
        if header[: len(_BEARER)].lower() != _BEARER:
            raise CredentialMalformed
        text = header[len(_BEARER) :].strip()
    elif offered:
        text = offered[0].removeprefix(SUBPROTOCOL_PREFIX)
    else:
        raise CredentialMissing
    credential.parse(text)
    return text


@dataclass(slots=True)
class _Entry:
    token: str = ""
    exchanged_at: float = -1e9
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class TokenCache:
    """Exchanges credentials, and remembers each answer for 4 seconds; concurrent requests share one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._entries: dict[tuple[str, str], _Entry] = {}

    async def token(self, text: str, account: str, *, max_age: float = CACHE_SECONDS) -> str:
        """Return a token of at most 60 seconds for the credential, no older than `max_age` seconds.

        Raises:
            DomainError: what the workspace service answered, or ServiceUnavailable.
        """
        key = (text, account)
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= _CACHED:
                self._entries.clear()
            entry = self._entries.setdefault(key, _Entry())
        if time.monotonic() - entry.exchanged_at < max_age:
            return entry.token
        async with entry.lock:
            if time.monotonic() - entry.exchanged_at < max_age:
                return entry.token
            began = time.monotonic()
            try:
                entry.token = await self._exchange(text, account)
            except BaseException:
                self._entries.pop(key, None)
                raise
            entry.exchanged_at = began
            return entry.token

    async def watch(self, text: str, account: str) -> None:
        """Check the credential of an open stream every 4 seconds, until it is refused.

        An unreachable workspace service proves nothing, and ends nothing.

        Raises:
            Unauthenticated, PermissionDenied: what the workspace service answered.
        """
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            with suppress(Unavailable):
                await self.token(text, account, max_age=_RECHECK_MAX_AGE)
