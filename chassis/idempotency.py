"""Request ids: what makes repeating a mutation harmless. Claimed first in its transaction, kept for 24 hours."""

from typing import Any
from uuid import UUID

from chassis.actor import RepeatKey
from chassis.errors import RequestIdReused

_CLAIMED = "INSERT 0 1"  # what PostgreSQL answers to a claim that is the first
_EARLIER = """
SELECT method, request_sha256, resource_type, resource_id FROM idempotency WHERE account_id = $1 AND request_id = $2
"""


async def claim(driver: Any, begin: str, account_id: UUID, repeat: RepeatKey) -> tuple[str, UUID] | None:
    """Claim the request id, or return what the earlier request with it made. A rival waits on the index.

    `begin` goes before it in the same message: UUIDs, a method and bytes of ours, so there is nothing to quote.
    """
    claiming = (
        "INSERT INTO idempotency (account_id, request_id, method, request_sha256)"  # noqa: S608  # as above
        f" VALUES ('{account_id}', '{repeat.request_id}', '{repeat.method}', '\\x{repeat.request_sha256.hex()}')"
        " ON CONFLICT (account_id, request_id) DO NOTHING"
    )
    status = await driver.execute(f"{begin}; {claiming}")
    while status != _CLAIMED:
        if found := await earlier(driver, account_id, repeat):
            return found  # without one, it was forgotten at this moment
        status = await driver.execute(claiming)
    return None


async def earlier(driver: Any, account_id: UUID, repeat: RepeatKey) -> tuple[str, UUID] | None:
    """Return what the earlier request with this id made. RequestIdReused when that was another request."""
    row = await driver.fetchrow(_EARLIER, account_id, repeat.request_id)
    if row is None:
        return None
    if (row["method"], row["request_sha256"]) != (repeat.method, repeat.request_sha256):
        raise RequestIdReused(str(repeat.request_id))
    return row["resource_type"], row["resource_id"]


def settling(account_id: UUID, request_id: UUID, type: str, entity_id: UUID) -> str:  # noqa: A002  # the event's own word
    """Return what remembers what a request made or changed: UUIDs and a word of ours, so there is nothing to quote."""
    return (
        f"UPDATE idempotency SET resource_type = '{type}', resource_id = '{entity_id}'"  # noqa: S608  # as above
        f" WHERE account_id = '{account_id}' AND request_id = '{request_id}'"
    )
