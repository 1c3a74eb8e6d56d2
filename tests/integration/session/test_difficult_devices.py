"""Devices that resize without end, take nothing, or leave in the middle."""

import asyncio
from functools import partial
from typing import Any

import asyncpg
import grpc
import pytest
from stateroom.session.v1 import attach_pb2 as pb
from stateroom.session.v1 import log_pb2
from stateroom.session.v1.exec_pb2 import ExecCommandRequest
from stateroom.session.v1.session_service_pb2_grpc import SessionServiceStub

from tests.support.screens import attach
from tests.support.stage import Stage, reason
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

LOUD = "head -c 3000000 /dev/urandom | base64 | head -c 3000000"


async def test_attach_session_a_thousand_resizes_hold_up_no_key_and_the_last_one_counts(stage: Stage) -> None:
    """While none of them can be stored, keys come back; afterwards the newest size is applied and most never are."""
    session = await stage.create()
    connection = await asyncpg.connect(stage.installation.admin_url)
    async with attach(stage, session.session_id, role=pb.CONTROLLER) as screen:
        async with connection.transaction():
            await connection.execute("SELECT FROM session.sessions FOR UPDATE")
            for columns in range(1, 1001):
                await screen.send(resize=pb.AttachSessionRequest.Resize(columns=columns, rows=30))
            await screen.type("echo qu''ick\n")
            await screen.until(b"quick\r\n")
        while (await screen.until_told("resized")).columns != 1000:
            await screen.step()
        await screen.type("stty size\n")
        await screen.until(b"30 1000")
    await connection.close()
    assert len([message for message in screen.others if message.HasField("resized")]) < 10


@pytest.mark.invariant("I9")
async def test_attach_session_device_that_takes_nothing_is_detached_and_controls_no_more(stage: Stage) -> None:
    """Its connection is full and stays so; what it reads at last ends with the reason."""
    await stage.kill_service()
    await stage.start_service(SLOW_DEVICE_SECONDS="1")
    session = await stage.create()
    async with (
        _reluctant(stage) as channel,
        attach(stage, session.session_id, channel, acknowledges=False, role=pb.CONTROLLER) as stuck,
    ):
        await stuck.type(f"{LOUD}; echo d''one\n")
        await until(partial(_nobody_attached, stage))
        await stage.type(session.session_id, "echo fr''ee; exit")
        await stage.ended(session.session_id)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stuck.until_told("ended")
    assert reason(refused.value) == "SLOW_CONSUMER"
    assert len(stuck.output) < stuck.attached.credit_bytes
    assert b"free\r\n" in await stage.output(session.session_id)


@pytest.mark.invariant("I9")
async def test_stream_output_client_that_takes_nothing_is_let_go(stage: Stage) -> None:
    """As a device is that stalls after it; told from where to go on. A command's caller is no other, and it runs on."""
    await stage.kill_service()
    await stage.start_service(SLOW_DEVICE_SECONDS="1")
    command = ExecCommandRequest(workspace_id=str(stage.workspace.workspace_id), command=["sh", "-c", LOUD])
    async with _reluctant(stage) as channel, _reluctant(stage) as another:
        stub: Any = SessionServiceStub(channel)
        caller = stub.ExecCommand(command, metadata=stage.bearer())
        session_id = (await caller.read()).started.session_id
        await stage.ended(session_id)
        reader = stub.StreamOutput(log_pb2.StreamOutputRequest(session_id=session_id), metadata=stage.bearer())
        await reader.read()
        shell = await stage.create()
        async with attach(stage, shell.session_id, another, acknowledges=False) as device:
            await device.type(f"{LOUD}\n")
            await until(partial(_nobody_attached, stage))
        for stuck in (caller, reader):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await _drain(stuck)
            assert reason(refused.value) == "SLOW_CONSUMER"
    assert len(await stage.output(session_id)) == 3_000_000


async def test_stream_output_client_that_leaves_is_no_error(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    """While its output is on the way to it, and while nothing is; the service logs neither as a fault."""
    session = await stage.create()
    await stage.type(session.session_id, f"{LOUD}; {LOUD}; echo d''one; sleep 1000")
    request = log_pb2.StreamOutputRequest(session_id=session.session_id)
    for _ in range(20):
        call = stage.stub.StreamOutput(request, metadata=stage.bearer())
        await call.read()
        call.cancel()
    async with asyncio.timeout(PATIENCE):
        async for response in stage.stub.StreamOutput(request, metadata=stage.bearer()):
            if b"done\r\n" in response.data:
                break
    await stage.kill_service()
    assert "call failed" not in capfd.readouterr().err


def _reluctant(stage: Stage) -> grpc.aio.Channel:
    """Return a channel that takes little more than is read from it."""
    return grpc.aio.insecure_channel(
        stage.target, options=[("grpc.http2.lookahead_bytes", 16 * 1024), ("grpc.http2.bdp_probe", 0)]
    )


async def _drain(call: Any) -> None:
    while await call.read():
        pass


async def _nobody_attached(stage: Stage) -> bool:
    return not await stage.rows("session_attachments")
