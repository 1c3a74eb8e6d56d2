"""What can happen to a running installation, and to the messages of its broker."""

import os
import random
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import nats
from nats.aio.client import Client
from stateroom.event.v1.change_pb2 import Change, ChangeHeader

from chassis import digest, ids
from tests.support import changes
from tests.support.embedded_stack import EmbeddedStack
from tests.support.history import committed
from tests.support.source import query
from tests.support.waiting import until

SUBJECT = "stateroom.workspace.api_key.created"


@dataclass(slots=True)
class Havoc:
    """Hurts a stack; every method returns when the stack stands again."""

    stack: EmbeddedStack

    def deeds(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Return everything that can be done, by a name for the schedule."""
        kills = {f"kill {part}": self._killing(part) for part in ("workspace", "session", "audit", "gateway", "nats")}
        return kills | {
            "kill the postmaster": self._killing("postgres"),
            "stop PostgreSQL at once": self._killing("postgres", signal.SIGQUIT),
            "kill a backend of PostgreSQL": self.kill_backend,
            "roll the broker's store back": self.roll_back_broker,
            "wipe the broker's store": self.wipe_broker,
        }

    def _killing(self, part: str, number: signal.Signals = signal.SIGKILL) -> Callable[[], Awaitable[None]]:
        async def kill() -> None:
            await self.stack.kill(part, number)

        return kill

    async def kill_backend(self) -> None:
        """Kill a process that serves a connection; PostgreSQL then cuts all others and recovers."""
        rows = await query(self.stack.admin_url, "SELECT pid FROM pg_stat_activity WHERE usename = 'workspace' LIMIT 1")
        for row in rows:
            with suppress(ProcessLookupError):
                os.kill(row["pid"], signal.SIGKILL)

        async def answers() -> bool:
            try:
                return bool(await query(self.stack.admin_url, "SELECT 1"))
            except (asyncpg.PostgresError, OSError):
                return False

        await until(answers)

    def copy_broker(self) -> None:
        """Keep the broker's store as it is now, to roll back to."""
        with self.stack.stopped("nats"):
            shutil.rmtree(self._copy, ignore_errors=True)
            shutil.copytree(self._store, self._copy)

    async def roll_back_broker(self) -> None:
        """Kill the broker and give it the store of an earlier time: it forgets what it acknowledged since."""
        with self.stack.stopped("nats"):
            shutil.rmtree(self._store)
            shutil.copytree(self._copy, self._store)
            await self.stack.kill("nats")

    async def wipe_broker(self) -> None:
        """Kill the broker and take its store away."""
        with self.stack.stopped("nats"):
            shutil.rmtree(self._store)
            await self.stack.kill("nats")

    @property
    def _store(self) -> Path:
        return self.stack.data / "nats" / "jetstream"

    @property
    def _copy(self) -> Path:
        return self.stack.data / "nats" / "copy"


@dataclass(slots=True)
class Rogue:
    """Somebody who has a service's password of the broker, but not its key, and hears everything.

    `phantoms` are the request ids of what was never committed.
    """

    stack: EmbeddedStack
    dice: random.Random
    connection: Client
    phantoms: list[str] = field(default_factory=list)

    async def forge(self) -> None:
        """Send what the source never said: without a signature, with a wrong one, and bytes that are no change."""
        rows = await committed(self.stack.admin_url, "workspace")
        phantom = f"forged-{ids.new()}"
        self.phantoms.append(phantom)
        account_id = ids.parse(self.stack.endpoint.account_id)
        forged = changes.change(account_id, rows[-1].position + 1, epoch=rows[-1].epoch, request_id=phantom)
        for signature in ("", "0" * 64, digest.sign(b"another key", forged)):
            await self._say(forged.SerializeToString(), signature)
        await self._say(b"\xff\xff no change at all", digest.sign(b"", forged))

    async def replay(self) -> None:
        """Send an old message again, after the one that follows it."""
        rows = await committed(self.stack.admin_url, "workspace")
        first = self.dice.randrange(len(rows) - 1)
        key = self.stack.event_key("workspace")
        for row in (rows[first + 1], rows[first]):
            change = Change(source="workspace", **{name: getattr(row, name) for name in row.__slots__})
            await self._say(change.SerializeToString(), digest.sign(key, change))

    async def roll_back(self) -> None:
        """Put a change into the outbox in a transaction that does not commit, which uses up a number."""
        phantom = f"rolled-back-{ids.new()}"
        self.phantoms.append(phantom)
        connection = await asyncpg.connect(self.stack.admin_url)
        try:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(
                "INSERT INTO workspace.outbox (account_id, header, salt, payload) VALUES ($1, $2, '', '')",
                self.stack.endpoint.account_id,
                ChangeHeader(request_id=phantom).SerializeToString(),
            )
            await transaction.rollback()
        finally:
            await connection.close()

    async def _say(self, data: bytes, signature: str) -> None:
        await self.connection.publish(SUBJECT, data, headers={"Stateroom-Signature": signature})


@asynccontextmanager
async def rogue(stack: EmbeddedStack, dice: random.Random) -> AsyncIterator[Rogue]:
    """Be connected with the password of the workspace service."""

    async def ignore(_: Exception) -> None:
        """Go on: the broker dies all the time."""

    connection = await nats.connect(
        stack.nats_url("workspace"), error_cb=ignore, max_reconnect_attempts=-1, reconnect_time_wait=0.2
    )
    try:
        yield Rogue(stack, dice, connection)
    finally:
        await connection.close()
