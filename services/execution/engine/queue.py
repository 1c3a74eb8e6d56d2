"""Lets executions begin that wait, as soon as the limits of their account and workflow allow it.

Any number of engines do so. Which executions begin is found out in a transaction that holds the queue of their account;
then any engine claims them. Each account has its turn, whatever waits in others.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from chassis import cancellation, faults, logs
from chassis.actor import Actor
from chassis.database import FAILURES, Database
from chassis.errors import DomainError
from chassis.system import SystemDatabase
from services.execution.executions import operations
from services.execution.executions.store import queue_store

SWEEP = 0.5
"""Seconds between looks, at most: another process may have ended an execution."""

_ACCOUNTS = 100  # looked at together
_TURN = 50  # executions of an account that begin in one turn

_BEFORE_BEGIN = faults.Point("queue.before_begin", "An execution that waits may begin, and nothing says so.")
_AFTER_BEGIN = faults.Point("queue.after_begin", "An execution that waited is to be claimed, and nobody has.")

_log = logs.get("queue")


@dataclass(slots=True)
class Queue:
    """Executions of all accounts that wait. `limit` of an account run at a time; `begun` tells that some are due."""

    database: Database
    system: SystemDatabase
    limit: int
    begun: Callable[[], None]
    awake: asyncio.Event = field(default_factory=asyncio.Event)
    has_waiting: bool = True

    def look(self) -> None:
        """Look at once: there is one more that waits."""
        self.has_waiting = True
        self.awake.set()

    def look_again(self) -> None:
        """Look at once if anything waits: one that ran runs no more."""
        if self.has_waiting:
            self.awake.set()

    async def run(self) -> None:
        """Look until cancelled; a failure of the database is logged, and all is tried again."""
        while True:
            cancellation.heed()
            self.awake.clear()
            try:
                again = await self.sweep()
            except (*FAILURES, DomainError) as exc:
                _log.warning("looking at executions that wait failed, trying again", error=repr(exc))
                again = False
            with suppress(TimeoutError):
                async with asyncio.timeout(0 if again else SWEEP):
                    await self.awake.wait()

    async def sweep(self) -> bool:
        """Give each account a turn in which something may begin; returns whether to look for more."""
        async with self.system.connection() as connection:
            accounts = await queue_store.accounts_waiting(connection, self.limit, _ACCOUNTS)
        self.has_waiting = bool(accounts)
        begun = 0
        for account_id in (account_id for account_id, has_room in accounts.items() if has_room):
            actor = Actor.of_service("execution", account_id)
            _BEFORE_BEGIN.reach()
            begun += len(await self.database.write(actor, operations.begin_waiting, limit=self.limit, most=_TURN))
            _AFTER_BEGIN.reach()
            self.begun()
        return begun > 0
