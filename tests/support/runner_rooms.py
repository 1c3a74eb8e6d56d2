"""A room on disk and what tests do with its terminals."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import grpc
from stateroom.runner.v1 import runner_service_pb2_grpc, screen_service_pb2_grpc, terminal_service_pb2_grpc

from chassis import ids
from chassis.rpc.channels import open_channel, open_runner_channel
from embedded.ports import free_port
from runner.record import Record, RecordType
from runner.spool import Spool
from runner.terminal import Size, Terminal
from runner.terminals import Order, Terminals
from services.workspace.placement import certificates
from tests.support.waiting import PATIENCE


def order(**wishes: object) -> Order:
    """Return an order of an 80 by 24 terminal with a fresh id."""
    return Order(str(ids.new()), Size(80, 24), **wishes)  # type: ignore[arg-type]  # each test names its own


async def open_live(terminals: Terminals, wanted: Order | None = None) -> Terminal:
    """Open a terminal that runs."""
    terminal = await terminals.open(wanted or order())
    assert isinstance(terminal, Terminal)
    return terminal


async def type_line(terminal: Terminal, line: str) -> None:
    """Type a line under the newest lease."""
    await terminal.input.write(line.encode() + b"\n", terminal.input.epoch, "")


class Follower:
    """Reads a spool in order and keeps what it saw."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.records: list[Record] = []
        self.output = bytearray()

    async def step(self) -> bool:
        """Read what comes next; False at the end."""
        after = self.records[-1].sequence if self.records else 0
        if not await self.spool.wait(after):
            return False
        for record in await self.spool.read(after):
            self.records.append(record)
            if record.type is RecordType.OUTPUT:
                self.output += record.body
        return True

    async def until(self, wanted: bytes) -> None:
        """Read until the output holds these bytes."""
        async with asyncio.timeout(PATIENCE):
            while wanted not in self.output:
                assert await self.step(), bytes(self.output[-500:])

    async def end(self) -> Record:
        """Read to the end and return the last record."""
        async with asyncio.timeout(PATIENCE):
            while await self.step():
                pass
        return self.records[-1]


@dataclass
class RunnerProcess:
    """A runner in a process of its own."""

    process: asyncio.subprocess.Process
    stub: "runner_service_pb2_grpc.RunnerServiceAsyncStub"
    terminals: "terminal_service_pb2_grpc.TerminalServiceAsyncStub"
    screens: "screen_service_pb2_grpc.ScreenServiceAsyncStub"
    metadata: tuple[tuple[str, str], ...]


@asynccontextmanager
async def runner_process(room: Path, socket: Path, code: Path | None = None) -> AsyncIterator[RunnerProcess]:
    """Start a runner and connect to it; kill it at the end if it still runs. `code` is a folder to run it from."""
    token = os.urandom(32).hex()
    environment = {"RUNNER_ID": "runner", "ROOM_DIRECTORY": str(room), "SOCKET": str(socket)}
    async with _started(environment, code, token) as process, open_channel(f"unix:{socket}") as channel:
        yield await _met(process, channel, token)


@dataclass(frozen=True)
class Network:
    """Where a runner serves on the network, and what it and its callers need for that."""

    runner_id: str
    address: str
    certificate: str
    token: str
    environment: dict[str, str]

    @classmethod
    def furnish(cls, folder: Path) -> Self:
        """Take a free port and write the credentials of a new runner into the folder."""
        runner_id, token, address = ids.new(), os.urandom(32).hex(), f"127.0.0.1:{free_port()}"
        certificate, key = certificates.make(runner_id)
        folder.mkdir(mode=0o700, parents=True)
        for name, content in (("token", f"{token}\n"), ("tls.crt", certificate), ("tls.key", key)):
            (folder / name).write_text(content)
            (folder / name).chmod(0o400)
        environment = {"RUNNER_ID": str(runner_id), "LISTEN": address, "CREDENTIALS_DIRECTORY": str(folder)}
        return cls(str(runner_id), address, certificate, token, environment)


@asynccontextmanager
async def network_runner(
    room: Path, network: Network, code: Path | None = None, prefix: Sequence[str] = (), **others: str
) -> AsyncIterator[RunnerProcess]:
    """Start a runner that serves on the network, as `runner_process` does.

    A command as `prefix` starts it, such as one that makes it another user's; `others` are more settings.
    """
    environment = {"ROOM_DIRECTORY": str(room)} | network.environment | others
    channel = open_runner_channel(network.runner_id, network.address, network.certificate)
    async with channel, _started(environment, code, "", prefix) as process:
        yield await _met(process, channel, network.token)


@asynccontextmanager
async def _started(
    environment: dict[str, str], code: Path | None, token: str, prefix: Sequence[str] = ()
) -> AsyncIterator[asyncio.subprocess.Process]:
    own = {
        "WORKSPACE_ID": "workspace",
        "PYTHONPATH": os.pathsep.join([*([str(code)] if code else []), *sys.path]),
        "CANARY": "canary-of-the-runner",
    }
    process = await asyncio.create_subprocess_exec(
        *(*prefix, sys.executable, "-m", "runner"),
        stdin=asyncio.subprocess.PIPE,
        env=own | environment,
        start_new_session=True,
        cwd=code,
    )
    assert process.stdin is not None
    process.stdin.write(f"{token}\n".encode())
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _met(process: asyncio.subprocess.Process, channel: grpc.aio.Channel, token: str) -> RunnerProcess:
    await asyncio.wait_for(channel.channel_ready(), PATIENCE)
    return RunnerProcess(
        process,
        runner_service_pb2_grpc.RunnerServiceStub(channel),
        terminal_service_pb2_grpc.TerminalServiceStub(channel),
        screen_service_pb2_grpc.ScreenServiceStub(channel),
        (("authorization", f"Bearer {token}"),),
    )
