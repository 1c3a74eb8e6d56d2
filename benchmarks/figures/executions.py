"""Many executions: due in the same second, a loop of many turns, and the death of their engine."""

import asyncio
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import grpc
from google.protobuf.json_format import ParseDict
from stateroom.execution.v1 import execution_pb2
from stateroom.execution.v1 import execution_service_pb2 as pb
from stateroom.execution.v1.execution_service_pb2_grpc import ExecutionServiceStub

from benchmarks.installation import REACHED, Installation
from benchmarks.processes import resident_of
from benchmarks.row import Row, at_least, at_most
from embedded import polling
from services.execution.engine.engine import LEASE

TIMERS = 1000
TURNS = 10_000
CONCURRENCY = 100
RUNNING = 500

_CALLERS = 32
_AHEAD = timedelta(seconds=30)  # until the timers are due: longer than starting them takes
_SECONDS = 300.0  # for anything to come about
_LOOK = 0.02

_LATE = "SELECT count(*), max(start_time) FROM execution.step_executions WHERE key = 'due'"
_ENDED = "SELECT extract(epoch FROM end_time - start_time) FROM execution.executions WHERE execution_id = $1"
_ENGINES = "SELECT DISTINCT engine_id FROM execution.executions WHERE name = 'running' AND engine_id IS NOT NULL"
_OWNED = (
    "SELECT count(*) FROM execution.executions WHERE name = 'running' AND engine_id IS NOT NULL AND engine_id <> $1"
)


async def measure(installation: Installation) -> list[Row]:
    """Measure one after the other."""
    connection = await asyncpg.connect(installation.database_url)
    try:
        return [
            await _timers(installation, connection),
            *await _fan_out(installation, connection),
            await _takeover(installation, connection),
        ]
    finally:
        await connection.close()


async def _timers(installation: Installation, connection: Any) -> Row:
    due = datetime.now(UTC) + _AHEAD
    steps = [{"key": "sleep", "wait": {"time": due.isoformat()}}, {"key": "due", "noop": {}}]
    await _start(installation, TIMERS, {"definition": {"steps": steps}})
    async with asyncio.timeout(_SECONDS):
        while True:
            count, last = await connection.fetchrow(_LATE)
            if count == TIMERS:
                break
            await asyncio.sleep(_LOOK)
    row = Row(
        f"{TIMERS:,} executions due at the same instant, until the last goes on", "s", (last - due).total_seconds()
    )
    return at_most(row, 2.0)


async def _fan_out(installation: Installation, connection: Any) -> list[Row]:
    loop = {"items": "inputs.items", "steps": ["turn"], "concurrency": CONCURRENCY}
    steps = [{"key": "each", "loop": loop}, {"key": "turn", "noop": {}}]
    wanted = {"definition": {"steps": steps}, "input": {"items": list(range(TURNS))}}
    before = resident_of(_engine_of(installation))
    (started,) = await _start(installation, 1, wanted)
    async with asyncio.timeout(_SECONDS):
        while (seconds := await connection.fetchval(_ENDED, started)) is None:  # noqa: ASYNC110  # nobody could tell it
            await asyncio.sleep(_LOOK)
    grown = (resident_of(_engine_of(installation)) - before) / 2**20
    return [
        at_least(Row(f"turns of a loop of {TURNS:,}, {CONCURRENCY} at once", "/s", TURNS / float(seconds)), 1500),
        Row("  growth of the service meanwhile", "MiB", grown),
    ]


async def _takeover(installation: Installation, connection: Any) -> Row:
    """Return the time from the death of an engine until its executions are owned by the one that is started then.

    Each has asked a site that does not answer, so that it runs, and takes no processor time.
    """
    asked = 0

    async def ask(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.read()

    async with await asyncio.start_server(ask, REACHED, 0) as site:
        url = f"'http://{REACHED}:{site.sockets[0].getsockname()[1]}/'"
        step = {"key": "ask", "api": {"url": url}, "timeout": "3600s"}
        started = await _start(installation, RUNNING, {"name": "running", "definition": {"steps": [step]}})
        await polling.until(lambda: asked == RUNNING, _SECONDS)
        dead = await connection.fetchval(_ENGINES)
        began = time.monotonic()
        os.kill(_engine_of(installation), signal.SIGKILL)
        async with asyncio.timeout(_SECONDS):
            while await connection.fetchval(_OWNED, dead) < RUNNING:  # noqa: ASYNC110  # nobody could tell it
                await asyncio.sleep(_LOOK)
        seconds = time.monotonic() - began
        await _cancel(installation, started)
    row = Row(f"{RUNNING} executions that run, from the death of the engine until all are owned again", "s", seconds)
    return at_most(row, LEASE + 2)


async def _start(installation: Installation, count: int, wanted: dict[str, Any]) -> list[str]:
    request = pb.StartExecutionRequest(execution=ParseDict(wanted, execution_pb2.Execution()))
    started: list[str] = []
    async with grpc.aio.insecure_channel(installation.endpoint.services["execution"]) as channel:
        stub: Any = ExecutionServiceStub(channel)
        calls = iter(range(count))

        async def caller() -> None:
            for _ in calls:
                answer = await stub.StartExecution(request, metadata=installation.bearer, timeout=_SECONDS)
                started.append(answer.execution_id)

        await asyncio.gather(*(caller() for _ in range(_CALLERS)))
    return started


async def _cancel(installation: Installation, started: list[str]) -> None:
    """End executions, so that the next figure has the machine."""
    async with grpc.aio.insecure_channel(installation.endpoint.services["execution"]) as channel:
        stub: Any = ExecutionServiceStub(channel)
        for execution_id in started:
            request = pb.CancelExecutionRequest(execution_id=execution_id)
            await stub.CancelExecution(request, metadata=installation.bearer, timeout=_SECONDS, wait_for_ready=True)


def _engine_of(installation: Installation) -> int:
    return installation.endpoint.pids["execution"]
