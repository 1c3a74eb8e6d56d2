"""What services stand on in a test: keys, a fresh database that was migrated once for all tests, and empty streams."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import nats as client
import pytest_asyncio
from nats.js.errors import NotFoundError

from chassis import ids
from chassis.migrate import migrate
from chassis.relay import stream_of
from embedded import keys
from embedded.layout import Layout
from embedded.nats import Nats
from embedded.postgres import Postgres

ROOM_MIGRATIONS = Path(__file__).parent / "room_migrations"
TEMPLATE = "test_template"


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything that the settings of a service are made of. Roles and users have their names as passwords."""

    postgres: Postgres
    nats: Nats
    database: str
    layout: Layout

    def url(self, role: str) -> str:
        """Return the URL by which a role reaches the test's database."""
        return self.postgres.url(role, role, self.database)

    @property
    def admin_url(self) -> str:
        """The same for the superuser."""
        return self.postgres.admin_url.replace("/postgres?", f"/{self.database}?")

    def settings(self, service: str, **others: Any) -> dict[str, Any]:  # values of any setting
        """Return the settings of a service by the names of their fields."""
        return {
            "log_level": "WARNING",
            "trust_keys_file": keys.trust_keys_file(self.layout),
            "signing_key_file": keys.signing_key_file(self.layout, service),
            "event_keys_file": keys.event_keys_file(self.layout),
            "sealing_keys_file": keys.sealing_keys_file(self.layout),
            "database_url": self.url(service),
            "system_database_url": self.url(f"{service}_system"),
            "nats_url": self.nats.url(service),
        } | others


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template(postgres: Postgres) -> Postgres:
    """Migrate a database that every test gets a copy of: the schemas of our services, and a source's."""
    await postgres.create_database(TEMPLATE)
    admin_url = postgres.admin_url.replace("/postgres?", f"/{TEMPLATE}?")
    for service, folder in (("workspace", ROOM_MIGRATIONS), ("audit", None), ("session", None), ("execution", None)):
        url, system_url = (postgres.url(role, role, TEMPLATE) for role in (service, f"{service}_system"))
        await migrate(service, admin_url, url, system_url, folder=folder)
    return postgres


@pytest_asyncio.fixture
async def installation(template: Postgres, nats: Nats) -> AsyncIterator[Installation]:
    """Return an installation in which nothing has happened."""
    async with fresh_installation(template, nats, TEMPLATE) as fresh:
        yield fresh


@asynccontextmanager
async def fresh_installation(postgres: Postgres, nats: Nats, template_name: str) -> AsyncIterator[Installation]:
    """Make an installation on a copy of a migrated database; both are gone after the block."""
    name = f"test_{ids.new().hex}"
    await _administer(postgres, f"CREATE DATABASE {name} TEMPLATE {template_name}")
    await _forget_streams(nats)
    with tempfile.TemporaryDirectory(prefix="sr-test-") as scratch:
        layout = Layout(data=Path(scratch), runtime=Path(scratch))
        layout.make()
        keys.prepare(layout)
        yield Installation(postgres, nats, name, layout)
    await _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


async def _administer(postgres: Postgres, statement: str) -> None:
    connection = await asyncpg.connect(postgres.admin_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _forget_streams(nats: Nats) -> None:
    """Delete the streams, and with them the message ids that they have seen."""
    connection = await client.connect(nats.url("workspace"))
    for source in ("workspace", "session", "execution", "audit"):
        with suppress(NotFoundError):
            await connection.jetstream().delete_stream(stream_of(source))
    await connection.close()
