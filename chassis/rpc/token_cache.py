"""Tokens exchanged for credentials, remembered for so short a time that a revocation works within 5 seconds."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from chassis import ids
from chassis.errors import InvalidField, Unauthenticated, Violation
from chassis.rpc.rates import Attempts

ACCOUNT_KEY = "stateroom-account"
"""The header, and the metadata, that names the account to act in."""
CACHE_SECONDS = 4.0
"""How long an exchange is trusted."""
RECHECK_SECONDS = 4.0
"""How often the credential of an open stream is exchanged again."""
RECHECK_MAX_AGE = 0.5
"""Seconds: streams that share a credential share its checks, and nothing older counts as one."""

_CACHED = 10_000  # credentials, after which all are forgotten


class Exchange(Protocol):
    """Turns a credential into a token of ours."""

    async def __call__(self, text: str, account: str) -> str:
        """Return a token for the credential, or raise what the workspace service answered."""


@dataclass(slots=True)
class _Entry:
    token: str = ""
    exchanged_at: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class TokenCache:
    """Exchanges credentials, and remembers each answer for 4 seconds; concurrent requests share one exchange."""

    def __init__(self, exchange: Exchange, attempts: Attempts) -> None:
        self._exchange = exchange
        self._attempts = attempts
        self._entries: dict[tuple[str, str], _Entry] = {}

    async def token(self, text: str, account: str, *, max_age: float = CACHE_SECONDS, address: str = "") -> str:
        """Return a token of at most 60 seconds for the credential, no older than `max_age` seconds.

        Args:
            text: the credential.
            account: the account to act in, empty for the credential's own.
            max_age: how old an answer may be that is used again.
            address: of the caller. One from which many credentials were refused must wait with those that are new.

        Raises:
            DomainError: what the workspace service answered, or ServiceUnavailable, or RateLimited.
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
                if not entry.token:
                    self._attempts.check(address)
                entry.token = await self._exchange(text, account)
            except Unauthenticated:
                self._attempts.note(address)
                self._entries.pop(key, None)
                raise
            except BaseException:
                self._entries.pop(key, None)
                raise
            entry.exchanged_at = began
            return entry.token


def account_in(metadata: Mapping[str, str]) -> str:
    """Return the account that a caller asks to act in, empty for the credential's own. InvalidField when it is no id.

    An empty one is refused too: whoever sends it meant some account, and would act in their own.
    """
    account = metadata.get(ACCOUNT_KEY)
    if account is not None and not ids.is_id(account):
        raise InvalidField(Violation(ACCOUNT_KEY, "must be the id of an account, a UUID"))
    return account or ""
