"""Executions: started once, cancelled for good, and seen by nobody else."""

import asyncio

import grpc
import pytest
from stateroom.event.v1.change_pb2 import ChangeHeader
from stateroom.execution.v1 import execution_pb2
from stateroom.execution.v1 import execution_service_pb2 as pb

from chassis import ids
from tests.support.execution_stage import ExecutionStage, Steps
from tests.support.refusals import refused
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")

State = execution_pb2.Execution.State
YEAR: Steps = [{"key": "year", "wait": {"duration": "30000000s"}}, {"key": "after", "noop": {}}]


async def test_start_execution_with_the_same_request_id_starts_one(stage: ExecutionStage) -> None:
    """However often, and at once."""
    request_id = str(ids.new())
    started = await asyncio.gather(*(stage.start(YEAR, request_id=request_id) for _ in range(5)))
    assert len({each.execution_id for each in started}) == 1
    assert len((await stage.call("ListExecutions", pb.ListExecutionsRequest())).executions) == 1


async def test_start_execution_repeated_while_it_runs_begins_nothing_again(stage: ExecutionStage) -> None:
    """What has ended stays as it ended."""
    request_id = str(ids.new())
    steps: Steps = [{"key": "a", "noop": {}}, {"key": "b", "wait": {"duration": "0.5s"}}, {"key": "c", "noop": {}}]
    started = await stage.start(steps, request_id=request_id)
    request = pb.WatchExecutionRequest(execution_id=started.execution_id)
    async for news in stage.first.executions.WatchExecution(request, metadata=stage.bearer(), timeout=PATIENCE):
        if any(step.key == "b" for step in news.steps):
            break
    first = (await stage.steps(started.execution_id))["a"]
    assert (await stage.start(steps, request_id=request_id)).execution_id == started.execution_id
    ended = await stage.ended(started)
    assert (ended.state, ended.steps_completed) == (State.COMPLETED, 3)
    assert (await stage.steps(started.execution_id))["a"] == first


async def test_start_execution_with_input_that_cannot_be_kept_is_refused(stage: ExecutionStage) -> None:
    """A NUL character, and what is too large."""
    for given in ({"a": "\0"}, {"a": "a" * 300_000}):
        refusal = await refused(stage.start(YEAR, given=given))
        assert refusal.reason == "INVALID_FIELD"
        assert refusal.fields[0].startswith("execution.input")


async def test_cancel_execution_ends_it_and_its_steps_for_good(stage: ExecutionStage) -> None:
    """What sleeps never wakes; to cancel it again is a mistake."""
    started = await stage.start(YEAR)
    request = pb.CancelExecutionRequest(execution_id=started.execution_id)
    cancelled = await stage.call("CancelExecution", request)
    assert cancelled.state == State.CANCELLED
    assert (await refused(stage.call("CancelExecution", request))).reason == "EXECUTION_ENDED"
    ended = await stage.ended(started)
    assert (ended.state, ended.end_time) == (State.CANCELLED, cancelled.end_time)
    assert set((await stage.states(started.execution_id)).values()) <= {"CANCELLED"}


async def test_execution_is_recorded_when_it_starts_and_when_it_ends(stage: ExecutionStage) -> None:
    """One change each, with versions that count up; steps are no changes."""
    ended = await stage.ended(await stage.start([{"key": "a", "noop": {}}, {"key": "b", "noop": {}}]))
    rows = await stage.rows("SELECT header FROM changes UNION ALL SELECT header FROM outbox")
    headers = [ChangeHeader.FromString(row["header"]) for row in rows]
    mine = sorted(
        (each for each in headers if each.entity_id == ended.execution_id), key=lambda each: each.entity_version
    )
    assert [(each.type, each.entity_version) for each in mine] == [("started", 1), ("completed", 2)]


async def test_watch_execution_after_a_sequence_shows_what_changed_since(stage: ExecutionStage) -> None:
    """Whoever lost the stream goes on where it was."""
    ended = await stage.ended(await stage.start([{"key": "a", "noop": {}}, {"key": "b", "noop": {}}]))
    request = pb.WatchExecutionRequest(execution_id=ended.execution_id, after_sequence=1)
    stream = stage.first.executions.WatchExecution(request, metadata=stage.bearer(), timeout=PATIENCE)
    assert [step.path async for news in stream for step in news.steps] == ["b"]


async def test_get_execution_of_another_account_is_not_found(stage: ExecutionStage) -> None:
    """As one that does not exist."""
    started = await stage.start(YEAR)
    request = pb.GetExecutionRequest(execution_id=started.execution_id)
    refusal = await refused(
        stage.first.executions.GetExecution(request, metadata=stage.bearer(ids.new()), timeout=PATIENCE)
    )
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "EXECUTION_NOT_FOUND")
