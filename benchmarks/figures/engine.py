"""Executions of three steps that do nothing: each step is stored before the next one begins."""

import asyncio
import statistics
import time
from typing import Any

import asyncpg
import grpc
from stateroom.execution.v1 import execution_pb2, workflow_pb2
from stateroom.execution.v1 import execution_service_pb2 as pb
from stateroom.execution.v1.execution_service_pb2_grpc import ExecutionServiceStub

from benchmarks.installation import Installation
from benchmarks.row import Row, at_most
from chassis import ids

STEPS = 3
AT_ONCE = 32
EXECUTIONS = 960
ALONE = 100
LIMIT = 8.0
"""Milliseconds from the call that starts one to its end, as its caller sees it."""

_ROWS = """
CREATE TABLE public.bare_steps (execution_id uuid, path text, output jsonb, PRIMARY KEY (execution_id, path))
"""
_INSERT = "INSERT INTO public.bare_steps SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[])"
_DEFINITION = workflow_pb2.Definition(
    steps=[workflow_pb2.Step(key=f"step_{number}", noop=workflow_pb2.NoopConfig()) for number in range(STEPS)]
)
_START = pb.StartExecutionRequest(execution=execution_pb2.Execution(definition=_DEFINITION))


async def measure(installation: Installation) -> list[Row]:
    """Start one after the other, then many from 32 callers; beside it the same rows by a bare group commit."""
    async with grpc.aio.insecure_channel(installation.endpoint.services["execution"]) as channel:
        stub: Any = ExecutionServiceStub(channel)
        await _many(installation, stub, AT_ONCE)  # what is made at the first call is made now
        alone = [await _one(installation, stub) for _ in range(ALONE)]  # before there is much to record
        rate = await _many(installation, stub, EXECUTIONS)
    bare = await _bare(installation)
    name = "bare group commit of the same rows"
    return [
        Row(
            f"steps of executions, {AT_ONCE} callers, each stored before the next", "steps/s", rate * STEPS, bare, name
        ),
        at_most(Row("  one execution alone, from the call to its end, p50", "ms", statistics.median(alone)), LIMIT),
    ]


async def _one(installation: Installation, stub: Any) -> float:
    began = time.perf_counter()
    started = await stub.StartExecution(_START, metadata=installation.bearer, timeout=30)
    watch = pb.WatchExecutionRequest(execution_id=started.execution_id)
    async for news in stub.WatchExecution(watch, metadata=installation.bearer, timeout=30):
        if news.execution.state == execution_pb2.Execution.COMPLETED:
            return (time.perf_counter() - began) * 1000
    raise RuntimeError("it did not complete")


async def _many(installation: Installation, stub: Any, count: int) -> float:
    """Return executions a second, from the first call until all have ended."""
    todo = iter(range(count))

    async def caller() -> None:
        for _ in todo:
            await stub.StartExecution(_START, metadata=installation.bearer, timeout=30)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    running = pb.ListExecutionsRequest(states=[execution_pb2.Execution.RUNNING], page_size=1)
    while (await stub.ListExecutions(running, metadata=installation.bearer, timeout=30)).executions:  # noqa: ASYNC110
        await asyncio.sleep(0)
    return count / (time.perf_counter() - began)


async def _bare(installation: Installation) -> float:
    """Return the steps a second that one connection stores, for as many executions at a time."""
    connection = await asyncpg.connect(installation.database_url)
    try:
        await connection.execute(_ROWS)
        began = time.perf_counter()
        for _ in range(EXECUTIONS // AT_ONCE):
            batch = [ids.new() for _ in range(AT_ONCE)]
            for number in range(STEPS):
                paths, outputs = [f"step_{number}"] * AT_ONCE, ["null"] * AT_ONCE
                await connection.execute(_INSERT, batch, paths, outputs)
        return EXECUTIONS * STEPS / (time.perf_counter() - began)
    finally:
        await connection.execute("DROP TABLE public.bare_steps")
        await connection.close()
