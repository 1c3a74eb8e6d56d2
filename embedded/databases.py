"""Which database and which roles each service gets, and bringing its schema up to date."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlsplit, urlunsplit

from embedded import private_files
from embedded.errors import StartFailed
from embedded.layout import Layout

DATABASE = "stateroom"
"""One database; a schema, an owner and two log-in roles for each service."""


def urls(layout: Layout, admin_url: str, service: str) -> dict[str, str]:
    """Return the service's two URLs by the names of their settings: for one account at a time, and for the system's work."""
    return {
        "DATABASE_URL": _as_role(layout, admin_url, service),
        "SYSTEM_DATABASE_URL": _as_role(layout, admin_url, f"{service}_system"),
    }


def _as_role(layout: Layout, admin_url: str, role: str) -> str:
    password = private_files.secret(layout.passwords / role)
    parts = urlsplit(admin_url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{place}"))


async def migrate(layout: Layout, admin_url: str, services: Sequence[str], environment: Mapping[str, str]) -> None:
    """Make roles and schemas and run every migration that has not run yet, all services at once.

    Raises:
        StartFailed: a migration failed; the message ends with what it said.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for service in services:
                own = {"ADMIN_DATABASE_URL": admin_url} | urls(layout, admin_url, service)
                group.create_task(_migrate_one(service, dict(environment) | own))
    except* StartFailed as failures:
        raise failures.exceptions[0] from None


async def _migrate_one(service: str, environment: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "chassis.migrate",
        service,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            os.kill(process.pid, 15)
            await process.wait()
    if process.returncode != 0:
        said = "\n  ".join(output.decode(errors="replace").splitlines()[-10:])
        msg = f"The migration of the {service} service failed; nothing of it was applied. It said:\n  {said}"
        raise StartFailed(msg)
