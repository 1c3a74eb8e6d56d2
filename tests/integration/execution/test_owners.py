"""Engines die, stop and come back: an execution has one owner, and nothing that was stored happens again."""

import os
import signal
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from stateroom.execution.v1 import execution_pb2

from chassis import ids
from chassis.changes import PendingChange
from embedded.nats import Nats
from embedded.postgres import Postgres
from services.execution.definitions.domain import Type
from services.execution.executions.domain import State as ExecutionState
from services.execution.executions.domain import StepExecution, StepState
from services.execution.executions.store import lease_store
from services.execution.executions.store.lease_store import Checkpoint
from services.execution.executions.store.rows import execution_of
from tests.integration.execution.test_approvals import approve, asking
from tests.integration.execution.test_children import active, begun, children
from tests.support.execution_stage import ExecutionStage, Steps, open_execution_stage
from tests.support.installation import TEMPLATE, fresh_installation
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

State = execution_pb2.Execution.State
TICKS: Steps = [
    {"key": "first", "noop": {}},
    {"key": "each", "loop": {"items": "[1, 2, 3]", "steps": ["pause", "value"], "concurrency": 2}},
    {"key": "pause", "wait": {"duration": "0.4s"}},
    {"key": "value", "data": {}, "inputs": {"n": "item"}},
]
"""Takes longer than an engine lives, and has steps of which some have ended whenever that is."""
YEAR: Steps = [{"key": "year", "wait": {"duration": "30000000s"}}]
UNOWNED = "SELECT count(*) FROM executions WHERE end_time IS NULL AND wake_time IS NULL"


@pytest_asyncio.fixture(loop_scope="session")
async def stage(template: Postgres, nats: Nats) -> AsyncIterator[ExecutionStage]:
    """Return a service of which a test starts the processes."""
    async with (
        fresh_installation(template, nats, TEMPLATE) as installation,
        open_execution_stage(installation) as opened,
    ):
        yield opened


async def _epochs(stage: ExecutionStage) -> set[int]:
    return {row["lease_epoch"] for row in await stage.rows("SELECT lease_epoch FROM executions")}


@pytest.mark.invariant("I13")
async def test_engine_that_is_killed_is_followed_by_another_where_it_was(stage: ExecutionStage) -> None:
    """All executions end, none is lost; a step that had ended has the end that it had."""
    await stage.replica(LOG_LEVEL="ERROR")
    started = [await stage.start(TICKS) for _ in range(12)]

    async def under_way() -> bool:
        rows = await stage.rows("SELECT count(*) FROM step_executions WHERE end_time IS NOT NULL")
        return int(rows[0][0]) >= len(started)

    await until(under_way)
    await stage.first.kill()
    stored = await stage.rows("SELECT execution_id, path, end_time FROM step_executions WHERE end_time IS NOT NULL")
    await stage.replicas.pop().channel.close(None)
    await stage.replica(LOG_LEVEL="ERROR")
    for each in started:
        ended = await stage.ended(each)
        assert (ended.state, ended.steps_completed, ended.steps_failed) == (State.COMPLETED, 8, 0)
    for row in stored:
        (now,) = await stage.rows(
            "SELECT end_time FROM step_executions WHERE execution_id = $1 AND path = $2", *row[:2]
        )
        assert now["end_time"] == row["end_time"]
    assert (await stage.rows(UNOWNED))[0][0] == 0


@pytest.mark.thorough
@pytest.mark.invariant("I14")
async def test_engine_that_was_stopped_past_its_lease_changes_nothing(stage: ExecutionStage) -> None:
    """Another replica ends its executions meanwhile; what it wakes up with is refused, and it goes on working."""
    await stage.replica(LOG_LEVEL="ERROR")
    await stage.replica(LOG_LEVEL="ERROR")
    started = [await stage.start(TICKS) for _ in range(6)]
    sleeper = stage.replicas[0]
    os.kill(sleeper.process.pid, signal.SIGSTOP)
    stage.replicas.reverse()
    ended = [await stage.ended(each) for each in started]
    assert {each.state for each in ended} == {State.COMPLETED}
    before = await stage.rows("SELECT * FROM step_executions ORDER BY execution_id, path")
    os.kill(sleeper.process.pid, signal.SIGCONT)
    stage.replicas.reverse()
    again = await stage.ended(await stage.start(TICKS))
    assert again.state == State.COMPLETED
    statement = "SELECT * FROM step_executions WHERE execution_id <> $1::uuid ORDER BY execution_id, path"
    assert await stage.rows(statement, again.execution_id) == before


@pytest.mark.invariant("I14")
async def test_checkpoint_of_an_owner_that_lost_its_lease_is_refused_by_the_statement(stage: ExecutionStage) -> None:
    """Neither the step nor the end nor the change is stored; that of the newest owner is."""
    await stage.replica(LOG_LEVEL="ERROR")
    await stage.start(YEAR)
    await stage.first.kill()
    await stage.rows("UPDATE executions SET wake_time = now()")
    connection = await asyncpg.connect(stage.installation.url("execution_system"))
    (stale,) = await lease_store.claim(connection, ids.new(), 0.0, 10)
    (newest,) = await lease_store.claim(connection, ids.new(), 60.0, 10)
    assert newest["lease_epoch"] == stale["lease_epoch"] + 1
    execution = execution_of(stale)
    step = StepExecution(
        "late", "late", Type.NOOP, StepState.COMPLETED, 1, execution.create_time, execution.create_time
    )
    ended = execution.end(execution.create_time, ExecutionState.COMPLETED)
    change = PendingChange(ids.INSTALLATION_ACCOUNT, b"header", b"payload")
    for row, held in ((stale, set()), (newest, {execution.execution_id})):
        late = Checkpoint(ended, row["lease_epoch"], {"late": step}, change)
        assert await lease_store.store(connection, [late]) == held
        found = await stage.rows(
            "SELECT (SELECT count(*) FROM step_executions WHERE path = 'late') AS steps,"
            " (SELECT count(*) FROM outbox WHERE header = 'header') AS changes, state FROM executions"
        )
        state = "COMPLETED" if held else "RUNNING"
        assert tuple(found[0]) == (len(held), len(held), state)
    await connection.close()


@pytest.mark.invariant("I18")
async def test_execution_that_has_ended_is_held_by_the_database(stage: ExecutionStage) -> None:
    """Neither it nor its steps leave their last state, nor does anything run without a time to look at it."""
    await stage.replica(LOG_LEVEL="ERROR")
    await stage.ended(await stage.start([{"key": "a", "noop": {}}]))
    for statement in (
        "UPDATE executions SET state = 'RUNNING', end_time = NULL, wake_time = now()",
        "UPDATE executions SET start_time = now()",
        "UPDATE step_executions SET state = 'FAILED'",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await stage.rows(statement)
    await stage.start([{"key": "year", "wait": {"duration": "30000000s"}}])
    with pytest.raises(asyncpg.CheckViolationError):
        await stage.rows("UPDATE executions SET wake_time = NULL WHERE end_time IS NULL")
    assert max(await _epochs(stage)) >= 1


@pytest.mark.invariant("I15")
async def test_engine_that_stops_lets_others_own_its_executions_at_once(stage: ExecutionStage) -> None:
    """A rolling restart costs no lease."""
    await stage.replica(LOG_LEVEL="ERROR")
    await stage.start(TICKS)
    process = stage.first.process
    process.terminate()
    await process.wait()
    (row,) = await stage.rows("SELECT engine_id, wake_time <= now() + interval '1 second' AS soon FROM executions")
    assert (row["engine_id"], row["soon"]) == (None, True)


@pytest.mark.invariant("I15")
async def test_approval_survives_the_death_of_the_engine_before_and_after_the_answer(stage: ExecutionStage) -> None:
    """It is asked once, and whoever takes over sees the answer that nobody had looked at."""
    await stage.replica(LOG_LEVEL="ERROR")
    started = await asking(stage, [{"key": "ask", "approval": {"message": "Go on?"}}, {"key": "last", "noop": {}}])
    await stage.first.kill()
    await stage.replicas.pop().channel.close(None)
    await stage.replica(LOG_LEVEL="ERROR", FAULT="engine.after_claim:1:kill")
    await stage.call("ApproveStep", approve(started))
    await stage.first.process.wait()
    await stage.replicas.pop().channel.close(None)
    await stage.replica(LOG_LEVEL="ERROR")
    ended = await stage.ended(started)
    assert (ended.state, ended.steps_completed) == (State.COMPLETED, 2)


@pytest.mark.invariant("I13")
async def test_workflow_step_whose_engine_dies_goes_on_with_the_execution_it_had_started(stage: ExecutionStage) -> None:
    """There is one, and its output is that of the step."""
    await stage.replica(LOG_LEVEL="ERROR")
    inner = await active(stage, [{"key": "rest", "wait": {"duration": "2s"}}, {"key": "one", "data": {}}])
    step = {"key": "run", "workflow": {"workflowId": inner}}
    started = await begun(stage, [step])
    await stage.first.kill()
    await stage.replicas.pop().channel.close(None)
    await stage.replica(LOG_LEVEL="ERROR")
    assert (await stage.ended(started)).state == State.COMPLETED
    assert len(await children(stage, started)) == 1
