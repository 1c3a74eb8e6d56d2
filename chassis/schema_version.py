"""How new a service's schema is, compared with this code: older, the same, or newer after a rollback to this release.

A newer schema suits older code: migrations add first, and drop one release later.
"""

import asyncio
import sys
from pathlib import Path

import asyncpg
from alembic.config import Config
from alembic.script import ScriptDirectory

ROOT = Path(__file__).resolve().parent.parent
INTERVAL = 1.0
"""Seconds between two looks."""


def configuration(service: str, folder: Path | None = None) -> Config:
    """Return Alembic's configuration for a service; `folder` has its migrations when it is not its own."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "chassis" / "migrations"))
    config.set_main_option("version_locations", str(folder or ROOT / "services" / service / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def is_newer(config: Config, version: str | None) -> bool:
    """Return whether a schema of that version was made by a later release: it is none of ours."""
    return version is not None and version not in {script.revision for script in _scripts(config).walk_revisions()}


async def wait(service: str, url: str) -> None:
    """Return once the schema is at least as new as this code. `url` is of the service's system role."""
    config, said = configuration(service), ""
    head = _scripts(config).get_current_head()
    while True:
        version, obstacle = await _look(service, url)
        if not obstacle and (version == head or is_newer(config, version)):
            return
        saying = obstacle or f"the schema is at {version}, and {head} is needed"
        if saying != said:
            sys.stderr.write(f"waiting for the schema of {service}: {saying}\n")
            said = saying
        await asyncio.sleep(INTERVAL)


async def _look(service: str, url: str) -> tuple[str | None, str]:
    """Return the version, or what keeps us from seeing it."""
    try:
        connection = await asyncpg.connect(url, timeout=5)
        try:
            return await connection.fetchval(f"SELECT version_num FROM {service}.alembic_version"), ""  # noqa: S608  # a service's name
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as exc:  # a TimeoutError is an OSError
        return None, f"{type(exc).__name__}: {exc}"


def _scripts(config: Config) -> ScriptDirectory:
    return ScriptDirectory.from_config(config)
