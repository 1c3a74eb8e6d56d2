"""The embedded nats-server: who may say what, and what survives a restart."""

import asyncio
import os
import signal
from pathlib import Path

import nats as client

from embedded.nats import Nats
from tests.support.waiting import PATIENCE


async def test_start_unknown_user_is_refused(nats: Nats) -> None:
    """A connection without a password is refused."""
    # By hand: the client library leaks its socket when it is refused.
    reader, writer = await asyncio.open_connection("127.0.0.1", nats.port)
    writer.write(b"CONNECT {}\r\nPING\r\n")
    assert b"Authorization Violation" in await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_publish_subject_of_another_service_is_refused(nats: Nats) -> None:
    """No service can speak in the name of another: of two messages only that in its own name arrives."""
    listener = await client.connect(nats.url("audit"))
    talker = await client.connect(nats.url("session"))
    try:
        heard = await listener.subscribe("stateroom.>")
        await listener.flush()
        await talker.publish("stateroom.workspace.workspace.deleted", b"forged")
        await talker.flush()  # nats-server now and then drops what comes in one piece with what it refuses
        await talker.publish("stateroom.session.session.created", b"own")
        assert (await heard.next_msg(timeout=PATIENCE)).subject == "stateroom.session.session.created"
    finally:
        await talker.close()
        await listener.close()


async def test_start_in_a_folder_with_spaces_and_letters_of_all_scripts_works(private_folder: Path) -> None:
    """A person's folder may be called as they like."""
    folder = private_folder / 'ünï 漢字 "quoted"'
    server = Nats(folder, private_folder, passwords={"session": "secret"})
    await server.start()
    try:
        connection = await client.connect(server.url("session"))
        await connection.jetstream().add_stream(name="SESSION", subjects=["stateroom.session.>"])
        await connection.close()
        assert list((folder / "jetstream").rglob("SESSION"))
    finally:
        await server.stop()


async def test_start_after_kill_keeps_port_and_stream(private_folder: Path) -> None:
    """A restarted server is found at the same address, with its streams."""
    server = Nats(private_folder / "nats", private_folder, passwords={"session": "secret"})
    await server.start()
    try:
        before = server.url("session")
        connection = await client.connect(before)
        await connection.jetstream().add_stream(name="SESSION", subjects=["stateroom.session.>"])
        await connection.close()
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGKILL)
        await server.process.wait()
        await server.start()
        assert server.url("session") == before
        connection = await client.connect(before)
        assert (await connection.jetstream().stream_info("SESSION")).config.name == "SESSION"
        await connection.close()
    finally:
        await server.stop()


async def test_start_configuration_is_private(private_folder: Path) -> None:
    """Nobody else can read the passwords."""
    server = Nats(private_folder / "nats", private_folder, passwords={"session": "secret"})
    await server.start()
    await server.stop()
    assert (private_folder / "nats" / "nats.conf").stat().st_mode & 0o777 == 0o600
