"""Refusals in the record: who was refused what, folded to one counted change per caller, method and reason and minute.

A refusal changes nothing, so it has no transaction to commit with; counts wait in memory for at most the window, and
a process that is killed loses them. What was done is never lost, only how often something was not.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from stateroom.event.v1 import change_pb2

from chassis import cancellation, ids, logs, trace
from chassis.database import FAILURES
from chassis.errors import DomainError, PermissionDenied, RateLimited, Unauthenticated
from chassis.rpc.call import Call
from chassis.system import SystemDatabase

WINDOW = 60.0
"""Seconds of refusals that one change stands for."""

_NOBODY = UUID(int=0)
_REMEMBERED = 1_000  # kinds of refusals in one window; whatever comes beyond them is counted as one more kind
_INSERT = """
INSERT INTO outbox (account_id, header, salt, payload)
SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[])
"""

_log = logs.get("denials")


@dataclass(frozen=True, slots=True)
class _Kind:
    account_id: UUID
    subject: str
    credential_id: str
    ip_address: str
    method: str
    action: str
    reason: str


@dataclass(slots=True)
class _Count:
    first_time: datetime
    correlation_id: str
    trace_id: str
    user_agent: str
    count: int = 0


@dataclass(slots=True)
class Denials:
    """Counts refusals and writes them into the outbox of one service."""

    database: SystemDatabase
    wake_relay: Callable[[], None]
    window: float = WINDOW
    _counts: dict[_Kind, _Count] = field(default_factory=dict)

    def note(self, call: Call, error: DomainError) -> None:
        """Count an error, if it is a refusal."""
        if not isinstance(error, (PermissionDenied, Unauthenticated, RateLimited)):
            return
        kind = _kind(call, error)
        if kind not in self._counts and len(self._counts) >= _REMEMBERED:
            kind = _Kind(ids.INSTALLATION_ACCOUNT, "", "", "", "", "refusals.other", "")
        now = datetime.now(UTC)
        count = self._counts.setdefault(kind, _Count(now, call.correlation_id, trace.trace_id(), call.user_agent))
        count.count += 1

    async def run(self) -> None:
        """Write what was counted at the end of each window, and at the end."""
        try:
            while True:
                await asyncio.sleep(self.window)
                cancellation.heed()
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Write what was counted; what the database does not take is written with the next window."""
        counts, self._counts = self._counts, {}
        if not counts:
            return
        changes = [(kind.account_id, *_change(kind, count)) for kind, count in counts.items()]
        accounts, headers, payloads = (list(column) for column in zip(*changes, strict=True))
        salts = [os.urandom(16) for _ in changes]
        try:
            async with self.database.connection() as connection:
                await connection.execute(_INSERT, accounts, headers, salts, payloads)
        except FAILURES as exc:
            _log.warning("refusals wait for the database", kinds=len(counts), error=repr(exc))
            self._counts = counts | self._counts
            return
        self.wake_relay()


def _kind(call: Call, error: DomainError) -> _Kind:
    policy, principal = call.method.policy, call.principal
    return _Kind(
        account_id=principal.account_id or ids.INSTALLATION_ACCOUNT,
        subject=principal.subject,
        credential_id=principal.credential_id,
        ip_address=call.ip_address,
        method=call.method.full_name,
        action=policy.audit_action or policy.user.permission or "service.call",
        reason=error.reason,
    )


def _change(kind: _Kind, count: _Count) -> tuple[bytes, bytes]:
    entity_type, _, action = kind.action.partition(".")
    header = change_pb2.ChangeHeader(
        event_id=str(ids.new()),
        account_id=str(kind.account_id),
        entity_type=entity_type,
        entity_id=str(_NOBODY),
        type=action,
        actor_id=kind.subject,
        credential_id=kind.credential_id,
        request_id=count.correlation_id,
        trace_id=count.trace_id,
        outcome=change_pb2.ChangeHeader.DENIED,
    )
    header.time.GetCurrentTime()
    denial = change_pb2.Denial(method=kind.method, reason=kind.reason, count=count.count)
    denial.first_time.FromDatetime(count.first_time)
    payload = change_pb2.ChangePayload(ip_address=kind.ip_address, user_agent=count.user_agent)
    payload.details.Pack(denial)
    return header.SerializeToString(), payload.SerializeToString()
