"""`python -m embedded.postgres_server`: one PostgreSQL in the foreground, for a container.

Its settings are `PostgresServerSettings`: DATA_DIRECTORY and ADMIN_PASSWORD_FILE must be set.
"""

import tempfile
from pathlib import Path

from chassis import settings
from embedded import foreground, lock
from embedded.postgres import Postgres
from embedded.server_settings import PostgresServerSettings

SHARED_MEMORY = {"dynamic_shared_memory_type": "mmap"}
"""In the data directory: a container's /dev/shm may be too small for queries that several processes work on."""


async def serve(given: PostgresServerSettings) -> int:
    """Serve until cancelled, then stop in order. Return 1 when the server has ended by itself.

    Raises:
        StartFailed: it cannot start, or another one uses the data directory.
    """
    data = given.data_directory / "postgres"
    with lock.alone(data), tempfile.TemporaryDirectory(prefix="stateroom-") as runtime:
        await _prepare(Postgres(data, Path(runtime), logs_to_files=False), given)
        server = Postgres(data, Path(runtime), settings=SHARED_MEMORY, listen=given.listen, logs_to_files=False)
        try:
            await server.start()
            return await foreground.ended(server)
        finally:
            await server.stop(given.stop_grace_seconds)


async def _prepare(server: Postgres, given: PostgresServerSettings) -> None:
    """Make the database and give the superuser its password while nobody else can connect: who can, finds both."""
    if server.has_password(given.password):
        return
    try:
        await server.start()
        await server.create_database(given.database)
        await server.change_password(given.password)
    finally:
        await server.stop(given.stop_grace_seconds)


if __name__ == "__main__":
    foreground.run(serve(settings.load(PostgresServerSettings)))
