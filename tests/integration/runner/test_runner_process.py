"""A runner in a process of its own: its contract, its death, what the next one finds."""

# Looking at a file for a moment blocks nobody but the test itself:

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from stateroom.runner.v1 import record_pb2
from stateroom.runner.v1 import runner_service_pb2 as pb

from chassis import ids, processes
from tests.support.runner_rooms import RunnerProcess, runner_process
from tests.support.waiting import PATIENCE


def _open(session_id: str) -> pb.OpenTerminalRequest:
    return pb.OpenTerminalRequest(session_id=session_id, shell="bash", columns=90, rows=30)  # noqa: S604  # its name, for a sandbox


async def _read_until(runner: RunnerProcess, session_id: str, wanted: bytes) -> tuple[bytes, list[record_pb2.Record]]:
    output = b""
    records: list[record_pb2.Record] = []
    request = record_pb2.StreamRecordsRequest(session_id=session_id)
    async for batch in runner.stub.StreamRecords(request, metadata=runner.metadata, timeout=PATIENCE):
        records += batch.records
        output += b"".join(record.data for record in batch.records if record.type == record_pb2.Record.OUTPUT)
        if wanted in output:
            break
    return output, records


async def test_runner_killed_next_one_finds_the_log(room_folder: Path, socket: Path) -> None:
    """Everything that a device saw before SIGKILL is there again, the terminal has ended, and no EXIT was invented."""
    session = str(ids.new())
    async with runner_process(room_folder, socket) as first:
        opened = await first.stub.OpenTerminal(_open(session), metadata=first.metadata)
        shell = processes.find(opened.process_id)
        write = pb.WriteTerminalRequest(session_id=session, data=b"seq 1 20000; echo DO''NE\n", lease_epoch=1)
        await first.stub.WriteTerminal(write, metadata=first.metadata)
        seen, _ = await _read_until(first, session, b"DONE")
        first.process.kill()
        await first.process.wait()
    async with runner_process(room_folder, socket) as second:
        status = await second.stub.GetStatus(pb.GetStatusRequest(), metadata=second.metadata)
        (left,) = status.terminals
        assert (left.session_id, left.running, left.columns, left.rows) == (session, False, 90, 30)
        again, records = await _read_until(second, session, b"\0never")
        assert again.startswith(seen)
        assert records[-1].type != record_pb2.Record.EXIT
        assert records[-1].sequence == left.end_sequence
        acknowledge = record_pb2.AcknowledgeRecordsRequest(session_id=session, sequence=left.end_sequence)
        await second.stub.AcknowledgeRecords(acknowledge, metadata=second.metadata)
        status = await second.stub.GetStatus(pb.GetStatusRequest(), metadata=second.metadata)
        assert not status.terminals
    assert list((room_folder / "spool").iterdir()) == []
    assert shell is not None
    assert processes.find(shell.pid) != shell


@pytest.mark.parametrize("left", ["", "[]"])
async def test_runner_starts_although_a_size_was_not_written(room_folder: Path, socket: Path, left: str) -> None:
    """A runner killed, or a disk full, while a size was noted: the next runner starts and offers the log."""
    session = str(ids.new())
    async with runner_process(room_folder, socket) as first:
        await first.stub.OpenTerminal(_open(session), metadata=first.metadata)
        write = pb.WriteTerminalRequest(session_id=session, data=b"echo DO''NE\n", lease_epoch=1)
        await first.stub.WriteTerminal(write, metadata=first.metadata)
        await _read_until(first, session, b"DONE")
        first.process.kill()
        await first.process.wait()
    (room_folder / "spool" / session / "size.json").write_text(left)
    async with runner_process(room_folder, socket) as second:
        (found,) = (await second.stub.GetStatus(pb.GetStatusRequest(), metadata=second.metadata)).terminals
        assert (found.session_id, found.columns, found.rows) == (session, 80, 24)


async def test_shutdown_ends_everything_with_its_reason(room_folder: Path, socket: Path) -> None:
    """The answer comes when no process is left; the log says why; the runner ends."""
    session = str(ids.new())
    async with runner_process(room_folder, socket) as runner:
        await runner.stub.OpenTerminal(_open(session), metadata=runner.metadata)
        await runner.stub.Shutdown(
            pb.ShutdownRequest(grace_milliseconds=2000, reason="shutdown"), metadata=runner.metadata
        )
        assert await runner.process.wait() == 0
    async with runner_process(room_folder, socket) as second:
        _, records = await _read_until(second, session, b"\0never")
        assert (records[-1].type, records[-1].reason) == (record_pb2.Record.EXIT, "shutdown")


async def test_runner_wrong_token_is_refused(room_folder: Path, socket: Path) -> None:
    """Nobody without the token gets an answer."""
    async with runner_process(room_folder, socket) as runner:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await runner.stub.GetStatus(pb.GetStatusRequest(), metadata=(("authorization", "Bearer " + "0" * 64),))
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_runner_announces_itself(room_folder: Path, socket: Path) -> None:
    """The file names exactly this process, and folder and socket are for us alone."""
    async with runner_process(room_folder, socket) as runner:
        await runner.stub.GetStatus(pb.GetStatusRequest(), metadata=runner.metadata)
        told = json.loads((room_folder / "runner.json").read_text())
        assert processes.find(told["pid"]) == processes.ProcessKey(runner.process.pid, told["start_ticks"])
        assert told["boot_id"] == processes.boot_id()
        assert room_folder.stat().st_mode & 0o777 == 0o700
        assert socket.stat().st_mode & 0o077 == 0


async def test_acknowledge_exit_removes_the_spool(room_folder: Path, socket: Path) -> None:
    """When the last record is stored elsewhere, nothing of the terminal is left here."""
    session = str(ids.new())
    async with runner_process(room_folder, socket) as runner:
        await runner.stub.OpenTerminal(_open(session), metadata=runner.metadata)
        write = pb.WriteTerminalRequest(session_id=session, data=b"exit\n")
        await runner.stub.WriteTerminal(write, metadata=runner.metadata)
        _, records = await _read_until(runner, session, b"\0never")
        assert records[-1].exit_code == 0
        acknowledge = record_pb2.AcknowledgeRecordsRequest(session_id=session, sequence=records[-1].sequence)
        await runner.stub.AcknowledgeRecords(acknowledge, metadata=runner.metadata)
        assert list((room_folder / "spool").iterdir()) == []
        with pytest.raises(grpc.aio.AioRpcError) as missing:
            await runner.stub.AcknowledgeRecords(acknowledge, metadata=runner.metadata)
        assert missing.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("unbounded", "field"),
    [
        ({"environment": {"1A": "x"}}, "environment"),
        ({"environment": {"A": "a\0"}}, "environment"),
        ({"environment": {"A": "a" * 4097}}, "environment"),
        ({"environment": {f"A{number}": "" for number in range(81)}}, "environment"),
        ({"write_id": "x" * 37}, "write_id"),
    ],
)
async def test_runner_with_an_unbounded_request_refuses_it(
    room_folder: Path, socket: Path, unbounded: dict[str, Any], field: str
) -> None:
    """What a caller can make a runner remember, or hand to a program, is bounded by the contract."""
    session = str(ids.new())
    async with runner_process(room_folder, socket) as runner:
        if field == "write_id":
            request = pb.WriteTerminalRequest(session_id=session, **unbounded)
            call: Any = runner.stub.WriteTerminal(request, metadata=runner.metadata)
        else:
            order = _open(session)
            order.MergeFrom(pb.OpenTerminalRequest(**unbounded))
            call = runner.stub.OpenTerminal(order, metadata=runner.metadata)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (refused.value.details() or "").startswith(field)
