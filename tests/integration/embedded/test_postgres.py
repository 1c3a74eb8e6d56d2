"""The embedded PostgreSQL: its life, and what it leaves behind."""

import os
import signal
from pathlib import Path

import asyncpg
import pytest

from embedded.errors import StartFailed
from embedded.postgres import SOCKET_PATH_LIMIT, Postgres


async def test_start_first_time_answers_with_scram_and_no_tcp(postgres: Postgres) -> None:
    """The server answers the administrator, keeps passwords as SCRAM and listens on no address."""
    connection = await asyncpg.connect(postgres.admin_url)
    try:
        assert await connection.fetchval("SHOW listen_addresses") == ""
        stored = await connection.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'")
        assert stored.startswith("SCRAM-SHA-256$")
    finally:
        await connection.close()


async def test_start_wrong_password_is_refused(postgres: Postgres) -> None:
    """Reaching the socket is not enough."""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url("postgres", "wrong", "postgres"))


async def test_start_after_kill_keeps_committed_rows(private_folder: Path) -> None:
    """A server killed with SIGKILL starts again, with the rows it had acknowledged."""
    server = Postgres(private_folder / "postgres", private_folder)
    await server.start()
    try:
        await _execute(server, "CREATE TABLE kept AS SELECT 7 AS value")
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGKILL)
        await server.process.wait()
        await server.start()
        connection = await asyncpg.connect(server.admin_url)
        assert await connection.fetchval("SELECT value FROM kept") == 7
        await connection.close()
    finally:
        await server.stop()


async def test_start_with_pid_of_another_program_in_the_lock_starts(private_folder: Path) -> None:
    """A lock file whose number now belongs to another program does not keep the server from starting."""
    server = Postgres(private_folder / "postgres", private_folder)
    await server.start()
    lock = private_folder / "postgres" / "cluster" / "postmaster.pid"
    content = lock.read_text()
    await server.stop()
    lock.write_text(content.replace(content.split("\n", 1)[0], str(os.getppid()), 1))
    try:
        await server.start()
        assert server.process is not None
        assert server.process.running
    finally:
        await server.stop()


async def test_start_beside_a_left_over_server_replaces_it(private_folder: Path) -> None:
    """A server that nobody supervises any more is stopped, and a new one takes its place."""
    left_over = Postgres(private_folder / "postgres", private_folder)
    await left_over.start()
    server = Postgres(private_folder / "postgres", private_folder)
    try:
        await server.start()
        assert left_over.process is not None
        assert await left_over.process.wait() == 0
        await _execute(server, "SELECT 1")
    finally:
        await server.stop()
        await left_over.stop()


async def test_start_socket_path_too_long_says_so(private_folder: Path) -> None:
    """A runtime folder that no socket fits into is named before anything is created."""
    server = Postgres(private_folder / "postgres", private_folder / ("x" * SOCKET_PATH_LIMIT))
    with pytest.raises(StartFailed, match="107 bytes"):
        await server.start()
    assert not (private_folder / "postgres").exists()


async def test_create_database_twice_keeps_the_first(postgres: Postgres) -> None:
    """The second call finds the database and leaves it alone."""
    await postgres.create_database("twice")
    connection = await asyncpg.connect(postgres.admin_url.replace("/postgres?", "/twice?"))
    try:
        await connection.execute("CREATE TABLE kept ()")
    finally:
        await connection.close()
    await postgres.create_database("twice")
    connection = await asyncpg.connect(postgres.admin_url.replace("/postgres?", "/twice?"))
    try:
        assert await connection.fetchval("SELECT to_regclass('kept')") is not None
    finally:
        await connection.close()


async def _execute(server: Postgres, statement: str) -> None:
    connection = await asyncpg.connect(server.admin_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
