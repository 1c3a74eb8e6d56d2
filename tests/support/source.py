"""A running service of rooms, whose changes are consumed by whatever a test is about."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest_asyncio

from chassis.relay import Relay
from chassis.service import Service, open_service
from chassis.settings import ServiceSettings
from tests.support import rooms
from tests.support.installation import Installation

NAME = "workspace"


@dataclass(frozen=True, slots=True)
class Source:
    """The service, its address, and what a test does with it. Its relay runs only while the test runs it."""

    service: Service
    address: str
    installation: Installation

    @property
    def relay(self) -> Relay:
        """The relay."""
        return self.service.relay

    async def create(self, account_id: UUID, name: str = "a") -> rooms.Room:
        """Create a room."""
        return await self.service.database.write(rooms.actor(account_id), rooms.create_room, name=name)

    async def rename(self, account_id: UUID, room_id: UUID, name: str) -> rooms.Room:
        """Rename a room."""
        return await self.service.database.write(rooms.actor(account_id), rooms.rename_room, room_id=room_id, name=name)

    async def head(self) -> int:
        """Return the position of the newest numbered change."""
        async with self.service.system.connection() as connection:
            return int(await connection.fetchval("SELECT position FROM relay_head"))

    async def restore_to(self, position: int) -> None:
        """Do what a restore from a backup does: the changes after a position are gone, and the timeline is new."""
        async with self.service.system.transaction() as connection:
            await connection.execute("DELETE FROM changes WHERE position > $1", position)
            await connection.execute("UPDATE relay_head SET position = $1, timeline_id = timeline_id - 1", position)
            await connection.execute(
                "UPDATE relay_head SET published_position = least(published_position, $1)", position
            )


@asynccontextmanager
async def open_source(installation: Installation) -> AsyncIterator[Source]:
    """Open the service and serve its change record."""
    async with AsyncExitStack() as stack:
        settings = ServiceSettings(**installation.settings(NAME))
        service = await open_service(NAME, settings, rooms.REGISTRY, stack)
        server = service.server(exchange=_refuse)
        address = await server.start("127.0.0.1:0")
        stack.push_async_callback(server.stop, 0)
        yield Source(service, address, installation)


@pytest_asyncio.fixture
async def source(installation: Installation) -> AsyncIterator[Source]:
    """Return a source in which nothing has happened."""
    async with open_source(installation) as opened:
        yield opened


async def query(url: str, statement: str, *arguments: Any) -> list[asyncpg.Record]:  # SQL values
    """Run a statement as the role of a URL and return its rows."""
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement, *arguments))
    finally:
        await connection.close()


async def _refuse(text: str, account: str) -> str:
    raise AssertionError(text)
