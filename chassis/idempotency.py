"""Request ids: what makes repeating a mutation harmless. Claimed first in its transaction, kept for 24 hours."""

from typing import Any
from uuid import UUID

from chassis.actor import RepeatKey
from chassis.errors import RequestIdReused

_CLAIM = """
INSERT INTO idempotency (account_id, request_id, method, request_sha256) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, request_id) DO NOTHING RETURNING true
"""
_CLAIMED = """
SELECT method, request_sha256, resource_type, resource_id FROM idempotency WHERE account_id = $1 AND request_id = $2
"""
_SETTLE = """
UPDATE idempotency SET resource_type = $3, resource_id = $4 WHERE account_id = $1 AND request_id = $2
"""


async def claim(driver: Any, account_id: UUID, repeat: RepeatKey) -> tuple[str, UUID] | None:
    """Claim the request id, or return what the earlier request with it made. A rival waits on the index."""
    while not await driver.fetchval(_CLAIM, account_id, repeat.request_id, repeat.method, repeat.request_sha256):
        if found := await earlier(driver, account_id, repeat):
            return found  # without one, it was forgotten at this moment
    return None


async def earlier(driver: Any, account_id: UUID, repeat: RepeatKey) -> tuple[str, UUID] | None:
    """Return what the earlier request with this id made. RequestIdReused when that was another request."""
    row = await driver.fetchrow(_CLAIMED, account_id, repeat.request_id)
    if row is None:
        return None
    if (row["method"], row["request_sha256"]) != (repeat.method, repeat.request_sha256):
        raise RequestIdReused(str(repeat.request_id))
    return row["resource_type"], row["resource_id"]


async def settle(driver: Any, account_id: UUID, repeat: RepeatKey, type: str, entity_id: UUID) -> None:  # noqa: A002  # the event's own word
    """Remember what the request made or changed."""
    await driver.execute(_SETTLE, account_id, repeat.request_id, type, entity_id)
