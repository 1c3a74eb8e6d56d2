"""The embedded nats-server: who may say what, and what survives a restart."""

import os
import signal
from pathlib import Path

import nats as client
import pytest
from nats.errors import Error

from embedded.nats import Nats


async def test_start_unknown_user_is_refused(nats: Nats) -> None:
    """A connection without a password is refused."""
    with pytest.raises(Error):
        await client.connect(f"nats://127.0.0.1:{nats.port}", allow_reconnect=False)


async def test_publish_subject_of_another_service_is_refused(nats: Nats) -> None:
    """No service can speak in the name of another."""
    refusals: list[Exception] = []

    async def refused(error: Exception) -> None:
        refusals.append(error)

    connection = await client.connect(nats.url("session"), error_cb=refused)
    await connection.publish("stateroom.workspace.workspace.deleted", b"forged")
    await connection.flush()
    await connection.close()
    assert "permissions violation" in str(refusals[0]).lower()


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
