"""How far the audit log is behind what the workspace service has committed."""

import asyncio

import asyncpg

LOOK = 0.004
"""Seconds between looks."""
_PATIENCE = 60.0  # seconds for entries that are still missing
_BEHIND = """
SELECT EXISTS (SELECT FROM workspace.outbox) OR
    (SELECT coalesce(max(position), 0) FROM audit.entries WHERE source = 'workspace')
    < (SELECT coalesce(max(position), 0) FROM workspace.changes)
"""


async def caught_up(connection: asyncpg.Connection) -> None:
    """Return once every committed change is recorded. TimeoutError after a minute."""
    async with asyncio.timeout(_PATIENCE):
        while await connection.fetchval(_BEHIND):  # noqa: ASYNC110  # nothing announces it
            await asyncio.sleep(LOOK)
