"""PostgreSQL and NATS as the only program of a container: they keep their data, and stop in order."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx2
import nats as client
import pytest

from embedded.lock import held
from embedded.ports import free_port
from tests.support.waiting import PATIENCE, until

ROOT = Path(__file__).resolve().parents[3]
SERVICES = ("workspace", "session", "execution", "audit")


@asynccontextmanager
async def _serving(module: str, environment: dict[str, str]) -> AsyncIterator[Process]:
    """Run an entry of the image with nothing in its environment but that; it gets SIGTERM at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module),
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)} | environment,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await process.communicate()


async def _connected(process: Process, url: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect once the server is there, or say why it is not."""
    found: list[asyncpg.Connection[asyncpg.Record]] = []

    async def connects() -> bool:
        assert process.returncode is None, await _said(process)
        try:
            found.append(await asyncpg.connect(url))
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    await until(connects)
    return found[0]


async def _said(process: Process) -> str:
    assert process.stderr is not None
    return (await process.stderr.read()).decode()


async def test_postgres_server_restarted_keeps_data_and_takes_a_new_password(private_folder: Path) -> None:
    """What was stored over TCP is there after SIGTERM and a start with another password; the old one is refused.

    When PostgreSQL dies, the program ends with 1, so that whoever runs the container starts it again.
    """
    port = free_port()
    password = private_folder / "password"
    password.write_text("first\n")
    environment = {
        "DATA_DIRECTORY": str(private_folder / "volume"),
        "LISTEN": f"0.0.0.0:{port}",
        "ADMIN_PASSWORD_FILE": str(password),
        "TMPDIR": str(private_folder),
    }
    url = f"postgresql://postgres:first@127.0.0.1:{port}/stateroom"
    async with _serving("embedded.postgres_server", environment) as process:
        connection = await _connected(process, url)
        assert await connection.fetchval("SHOW fsync") == "on"
        await connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
        await connection.close()
    assert process.returncode == 0
    password.write_text("it's new")
    async with _serving("embedded.postgres_server", environment) as process:
        connection = await _connected(process, url.replace("first", "it%27s%20new"))
        assert await connection.fetchval("SELECT value FROM kept") == 7
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(url)
        postmaster = int((private_folder / "volume/postgres/cluster/postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(postmaster, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 1


async def test_postgres_server_without_password_or_alone_refuses(private_folder: Path) -> None:
    """A server that anybody could enter is not started, and neither is a second one on the same data."""
    environment = {"DATA_DIRECTORY": str(private_folder), "LISTEN": f"127.0.0.1:{free_port()}"}
    async with _serving("embedded.postgres_server", environment) as process:
        assert "ADMIN_PASSWORD_FILE or ADMIN_PASSWORD must hold" in await _said(process)
        assert await process.wait() == 3
    with held(private_folder / "postgres"):
        async with _serving("embedded.postgres_server", environment | {"ADMIN_PASSWORD": "a"}) as process:
            assert "two never share it" in await _said(process)
            assert await process.wait() == 3


async def test_nats_server_restarted_keeps_streams_and_passwords(private_folder: Path) -> None:
    """A stream is there after SIGTERM and a start; users have their passwords, and the monitor answers."""
    port, monitor = free_port(), free_port()
    passwords = private_folder / "passwords"
    passwords.mkdir()
    for service in SERVICES:
        (passwords / service).write_text(f"of-{service}")
    environment = {
        "DATA_DIRECTORY": str(private_folder / "volume"),
        "LISTEN": f"0.0.0.0:{port}",
        "MONITOR_LISTEN": f"0.0.0.0:{monitor}",
        "PASSWORDS_DIRECTORY": str(passwords),
        "TMPDIR": str(private_folder),
    }
    for round_ in (1, 2):
        async with _serving("embedded.nats_server", environment) as process:
            await _listening(process, f"http://127.0.0.1:{monitor}/healthz")
            connection = await client.connect(f"nats://session:of-session@127.0.0.1:{port}")
            streams = connection.jetstream()
            if round_ == 1:
                await streams.add_stream(name="SESSION", subjects=["stateroom.session.>"])
            assert (await streams.stream_info("SESSION")).config.name == "SESSION"
            await connection.close()
        assert process.returncode == 0


async def _listening(process: Process, url: str) -> None:
    async def answers() -> bool:
        assert process.returncode is None, await _said(process)
        try:
            async with httpx2.AsyncClient(trust_env=False) as http:
                return (await http.get(url)).is_success
        except httpx2.TransportError:
            return False

    await until(answers)
