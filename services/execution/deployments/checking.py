"""Looks at deployments of all accounts that are not STOPPED, again and again.

Any number of replicas look; two of them that look at the same one find the same.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from chassis import cancellation, logs
from chassis.actor import Actor
from chassis.database import FAILURES, Database
from chassis.errors import DomainError
from chassis.system import SystemDatabase
from services.execution.deployments import operations

INTERVAL = 30.0
"""Seconds between two looks at a deployment."""
SWEEP = 1.0
"""Seconds between looks for deployments whose time has come."""

_BATCH = 100  # deployments looked at in a turn
_DUE = f"""
SELECT account_id, deployment_id FROM deployments
WHERE state <> 'STOPPED' AND (check_time IS NULL OR check_time < now() - interval '{INTERVAL} seconds')
ORDER BY check_time NULLS FIRST LIMIT $1
"""  # noqa: S608  # a number of ours

_log = logs.get("deployments")


@dataclass(frozen=True, slots=True)
class HealthChecks:
    """Looks at the deployments of all accounts."""

    database: Database
    system: SystemDatabase

    async def run(self) -> None:
        """Look until cancelled; a failure of the database is logged, and all is tried again."""
        while True:
            cancellation.heed()
            try:
                await self.sweep()
            except (*FAILURES, DomainError) as exc:
                _log.warning("looking at deployments failed, trying again", error=repr(exc))
            await asyncio.sleep(SWEEP)

    async def sweep(self) -> None:
        """Look at those whose time has come."""
        async with self.system.connection() as connection:
            due = await connection.fetch(_DUE, _BATCH)
        for row in due:
            actor = Actor.of_service("execution", row["account_id"])
            with suppress(DomainError):  # it was deleted meanwhile, or is looked at again
                await self.database.write(actor, operations.check_health, deployment_id=row["deployment_id"])
