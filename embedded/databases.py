"""Which database and which roles each service gets, and bringing its schema up to date."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlsplit, urlunsplit

from embedded import private_files
from embedded.errors import StartFailed
from embedded.layout import Layout

DATABASE = "stateroom"
"""One database; a schema, an owner and two log-in roles for each service."""
TAIL_LINES = 10


def urls(layout: Layout, admin_url: str, service: str) -> dict[str, str]:
    """Return the service's two URLs by their settings: for one account at a time, and for the system's work."""
    return {
        "DATABASE_URL": _as_role(layout, admin_url, service),
        "SYSTEM_DATABASE_URL": _as_role(layout, admin_url, f"{service}_system"),
    }


def _as_role(layout: Layout, admin_url: str, role: str) -> str:
    password = private_files.secret(layout.passwords / role)
    parts = urlsplit(admin_url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{place}"))


async def migrate(layout: Layout, admin_url: str, services: Sequence[str], inherited: Mapping[str, str]) -> None:
    """Make roles and schemas and run every migration that has not run yet.

    Raises:
        StartFailed: a migration failed; the message ends with what it said.
    """
    environment = dict(inherited) | {"ADMIN_DATABASE_URL": admin_url}
    for service in services:
        for name, url in urls(layout, admin_url, service).items():
            environment[f"{service.upper()}_{name}"] = url
    arguments = [sys.executable, "-P", "-m", "chassis.migrate", *services]
    process = await asyncio.create_subprocess_exec(
        *arguments, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=environment, start_new_session=True
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if process.returncode != 0:
        said = "\n  ".join(output.decode(errors="replace").splitlines()[-TAIL_LINES:])
        msg = f"A migration failed; nothing of it was applied. It said:\n  {said}"
        raise StartFailed(msg)
