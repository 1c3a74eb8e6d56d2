"""What attempts leave in runners: killed and forgotten once they are over, by whichever engine finds it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from chassis import cancellation, logs
from chassis.actor import Actor
from chassis.database import FAILURES, Database
from chassis.errors import DomainError
from chassis.system import SystemDatabase
from services.execution.code import operations, store
from services.execution.code.domain import CodeRun
from services.execution.code.rooms import NO_RUNNER, Rooms

INTERVAL = 1.0
"""Seconds between two looks."""

_BATCH = 100

_log = logs.get("leftovers")


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Cleans up after code: its processes are gone within seconds of the end of its step, whoever died meanwhile."""

    database: Database
    system: SystemDatabase
    rooms: Rooms

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            cancellation.heed()
            with suppress(*FAILURES):
                async with self.system.connection() as connection:
                    found = await store.runs_over(connection, _BATCH)
                await asyncio.gather(*map(self._clean_up, found))
            await asyncio.sleep(INTERVAL)

    async def _clean_up(self, run: CodeRun) -> None:
        try:
            if await self._is_gone(run):
                actor = Actor.of_service("execution", run.account_id)
                await self.database.write(actor, operations.forget_run, code_run_id=run.code_run_id)
        except DomainError as exc:  # the next look finds it again
            _log.warning("code is not cleaned up yet", code_run_id=str(run.code_run_id), error=exc.message)

    async def _is_gone(self, run: CodeRun) -> bool:
        """Return whether nothing of it is in its runner; what runs is killed. DomainError when nobody knows."""
        try:
            room = await self.rooms.find(run.account_id, run.workspace_id, for_new_work=False)
        except DomainError as exc:
            if exc.reason in NO_RUNNER:
                return True
            raise
        return room.runner_id != run.runner_id or await room.clean_up(run.code_run_id)
