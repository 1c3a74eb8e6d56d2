"""The gateway as a process: what it does when services are away, and how it stops."""

import asyncio
import json
import socket
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from stateroom.session.v1 import session_pb2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chassis import ids
from chassis.rpc import credential
from tests.support import fake_answers
from tests.support.fake_services import FakeServices
from tests.support.gateway_process import running_gateway, write_keys
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_service_away_is_503_and_not_ready(tmp_path: Path) -> None:
    """Calls to a service that is down fail at once, with a reason; the process stays alive."""
    async with (
        running_gateway(tmp_path, "127.0.0.1:1") as (listen, _),
        httpx2.AsyncClient(base_url=f"http://{listen}") as client,
    ):
        response = await client.post("/v1/users", json={})
        assert response.status_code == 503
        assert response.json()["error"]["details"][0] == {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "SERVICE_UNAVAILABLE",
            "domain": "stateroom.dev",
            "metadata": {"service": "workspace"},
        }
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["services"]["audit"]) == (503, "UNREACHABLE")
        assert (await client.get("/healthz")).status_code == 200


async def test_sigterm_open_socket_closes_1012_and_exits_0(tmp_path: Path) -> None:
    """Stopping tells open sockets to come back, and leaves nothing running."""
    services = FakeServices()
    services.answers = {
        "ExchangeCredential": fake_answers.Revocable(),
        "AttachSession": fake_answers.attach_session,
    }
    server, address = await services.start()
    headers = {"authorization": f"Bearer {credential.mint('k', ids.new()).text}"}
    async with (
        running_gateway(tmp_path, address) as (listen, process),
        connect(f"ws://{listen}/v1/sessions/a:attach", additional_headers=headers) as socket,
    ):
        await socket.recv()
        process.terminate()
        assert json.loads(await socket.recv())["error"]["details"][0]["reason"] == "SHUTTING_DOWN"
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    await server.stop(0)


async def test_sigterm_with_calls_open_drains_first_and_answers_them(tmp_path: Path) -> None:
    """Who balances load sees it in time, sockets stay until then, and a call that was accepted is answered."""
    go_on, begun = asyncio.Event(), asyncio.Event()

    async def slow(request: Any, context: Any) -> session_pb2.Session:
        begun.set()
        await go_on.wait()
        return await fake_answers.get_session(request, context)

    services = FakeServices()
    services.answers = {
        "ExchangeCredential": fake_answers.Revocable(),
        "AttachSession": fake_answers.attach_session,
        "GetSession": slow,
    }
    server, address = await services.start()
    headers = {"authorization": f"Bearer {credential.mint('k', ids.new()).text}"}
    async with (
        running_gateway(tmp_path, address, DRAIN_SECONDS="1", STOP_GRACE_SECONDS="10") as (listen, process),
        httpx2.AsyncClient(base_url=f"http://{listen}", headers=headers) as client,
        connect(f"ws://{listen}/v1/sessions/a:attach", additional_headers=headers) as device,
        asyncio.TaskGroup() as group,
    ):
        await device.recv()
        call = group.create_task(client.get("/v1/sessions/a"))
        await begun.wait()
        process.terminate()
        while (ready := await client.get("/readyz")).status_code == 200:
            pass
        assert ready.json() == {"status": "DRAINING"}
        await device.send(b"still here")
        assert await device.recv() == b"still here"
        assert json.loads(await device.recv())["error"]["details"][0]["reason"] == "SHUTTING_DOWN"
        assert process.returncode is None
        go_on.set()
        assert (await call).status_code == 200
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0
    await server.stop(0)


async def test_start_without_an_address_names_the_setting(tmp_path: Path) -> None:
    """A missing address stops the start with exit code 3 and the setting to change."""
    environment = {"PYTHONPATH": ":".join(sys.path), "WORKSPACE_ADDRESS": "127.0.0.1:1", **write_keys(tmp_path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 3
    assert b"SESSION_ADDRESS" in errors
    assert b"AUDIT_ADDRESS" in errors


async def test_start_on_a_taken_port_names_the_setting(tmp_path: Path) -> None:
    """Two gateways never share a port silently."""
    async with running_gateway(tmp_path, "127.0.0.1:1") as (listen, _):
        addresses = {f"{name}_ADDRESS": "127.0.0.1:1" for name in ("WORKSPACE", "SESSION", "AUDIT")}
        environment = {"PYTHONPATH": ":".join(sys.path), "HTTP_LISTEN": listen, **addresses, **write_keys(tmp_path)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", env=environment, stderr=asyncio.subprocess.PIPE
        )
        _, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 3
    assert b"HTTP_LISTEN" in errors


async def test_port_of_a_gateway_is_shared_with_no_other_process_of_its_user(tmp_path: Path) -> None:
    """Whoever asks to share it, as a program in a room could, gets no connections of people, and no credentials."""
    async with running_gateway(tmp_path, "127.0.0.1:1", WORKERS="2") as (listen, _):
        host, _, port = listen.rpartition(":")
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="Address already in use"):
                thief.bind((host, int(port)))
