"""Budgets of calls: how fast a caller may call, by the rate class of the method, and how many streams may be open.

The algorithm is GCRA: of each caller one number is kept, the time at which its budget is whole again. Budgets are
those of this process; several replicas allow several times as much.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from stateroom.api.v1 import policy_pb2

from chassis.errors import RateLimited
from chassis.rpc.call import Call

if TYPE_CHECKING:
    from uuid import UUID

REMEMBERED = 20_000
"""Callers of one budget that are remembered. Those whose budget is whole are forgotten first, and if need be all."""
STREAM_WAIT = 5.0
"""Seconds after which it is worth trying again to open one stream too many."""

_FORM = re.compile(r"(\d+)/(s|min|h)(?: burst (\d+))?")
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate as people write it: `text`, such as `300/s burst 20000`.

    A call costs `interval` seconds; `burst` of them may come at once.
    """

    text: str
    interval: float
    burst: int

    @classmethod
    def parse(cls, text: str) -> "Rate | None":
        """Return the rate; None for `unlimited`. Without a burst, all calls of the unit may come at once."""
        match = _FORM.fullmatch(text)
        if match is None:
            return None
        count, unit, burst = int(match[1]), _SECONDS[match[2]], match[3]
        return cls(text, unit / count, int(burst or count))


class Budget:
    """How fast each of many callers may call."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic, remembered: int = REMEMBERED) -> None:
        self.rate = rate
        self._remembered = remembered
        self._clock = clock
        self._tolerance = (rate.burst - 1) * rate.interval
        self._whole_at: dict[Hashable, float] = {}

    def __len__(self) -> int:
        """Return how many callers are remembered."""
        return len(self._whole_at)

    def take(self, caller: Hashable) -> float:
        """Take one call from a caller's budget and return 0; when none is left, return how many seconds to wait."""
        now = self._clock()
        whole_at = max(self._whole_at.get(caller, now), now)
        if (wait := whole_at - now - self._tolerance) > 0:
            return wait
        if len(self._whole_at) >= self._remembered:
            self._forget(now)
        self._whole_at[caller] = whole_at + self.rate.interval
        return 0.0

    def wait(self, caller: Hashable) -> float:
        """Return how many seconds a caller must wait, without taking anything."""
        now = self._clock()
        return max(self._whole_at.get(caller, now) - now - self._tolerance, 0.0)

    def _forget(self, now: float) -> None:
        self._whole_at = {caller: whole_at for caller, whole_at in self._whole_at.items() if whole_at > now}
        if len(self._whole_at) >= self._remembered:
            self._whole_at.clear()


class Rates:
    """Admits calls by the rate class of their method. A class without a rate is unlimited, as SERVICE always is.

    A caller is an account with a credential; one without a credential is an address. What comes over a unix socket
    without a credential has no address and is not limited.
    """

    def __init__(self, rates: Mapping[int, Rate | None], streams_per_account: int = 0) -> None:
        self._budgets = {name: Budget(rate) for name, rate in rates.items() if rate is not None}
        self._streams_per_account = streams_per_account
        self._streams: Counter[UUID] = Counter()

    def admit(self, call: Call) -> None:
        """Count a call whose caller is known. Raises RateLimited."""
        budget = self._budgets.get(call.method.policy.rate_class)
        if budget is None:
            return
        principal = call.principal
        by_credential = principal.account_id is not None
        caller = (principal.account_id, principal.credential_id) if by_credential else network(call.ip_address)
        if caller and (wait := budget.take(caller)):
            limit = f"{policy_pb2.RateClass.Name(call.method.policy.rate_class)} {budget.rate.text}"
            raise RateLimited(limit, "credential" if by_credential else "address", wait)

    @contextmanager
    def stream(self, call: Call) -> Iterator[None]:
        """Count an open stream of an account while it is open. Raises RateLimited."""
        account_id = call.principal.account_id
        if call.method.policy.rate_class != policy_pb2.STREAM or account_id is None or not self._streams_per_account:
            yield
            return
        if self._streams[account_id] >= self._streams_per_account:
            limit = f"STREAM {self._streams_per_account} open at once"
            raise RateLimited(limit, "account", STREAM_WAIT)
        self._streams[account_id] += 1
        try:
            yield
        finally:
            self._streams[account_id] -= 1
            if not self._streams[account_id]:
                del self._streams[account_id]


UNLIMITED = Rates({})
"""Admits everything, as a server does whose only callers are services."""


class Attempts:
    """Refused credentials by address: after too many, no new one from there is looked at for a while."""

    def __init__(self, rate: Rate | None) -> None:
        self._budget = None if rate is None else Budget(rate)

    def check(self, address: str) -> None:
        """Refuse an address that has used up its attempts. Raises RateLimited."""
        if self._budget is not None and (wait := self._budget.wait(network(address))):
            limit = f"refused credentials {self._budget.rate.text}"
            raise RateLimited(limit, "address", wait)

    def note(self, address: str) -> None:
        """Count a credential that was refused."""
        if self._budget is not None and address:
            self._budget.take(network(address))


def network(address: str) -> str:
    """Return what one person has of addresses: an IPv4 address, or the first 64 bits of an IPv6 one."""
    if ":" not in address:
        return address
    try:
        parsed = IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
