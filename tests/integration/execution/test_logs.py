"""What steps say: kept in order, page by page and as it is said, and cut where it is too much."""

import pytest
from stateroom.execution.v1 import log_service_pb2 as pb

from services.execution.logs.forgetting import statement_for
from tests.support.execution_stage import ExecutionStage, Steps
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

Level = pb.ExecutionLog.Level
FAILS: Steps = [
    {
        "key": "bad",
        "data": {},
        "inputs": {"n": "inputs.nothing"},
        "onError": "RETRY",
        "retryCount": 2,
        "retryDelay": "0.01s",
    }
]


async def lines(stage: ExecutionStage, execution_id: str, **wanted: object) -> list[pb.ExecutionLog]:
    """Return lines of an execution, read page by page."""
    found, token = list[pb.ExecutionLog](), ""
    while True:
        request = pb.ListExecutionLogsRequest(execution_id=execution_id, page_size=2, page_token=token, **wanted)  # type: ignore[arg-type]  # filters
        page = await stage.call("ListExecutionLogs", request)
        found += page.logs
        token = page.next_page_token
        if not token:
            return found


async def test_attempts_that_fail_say_why_each_in_a_line(stage: ExecutionStage) -> None:
    """A warning for each that is repeated, an error for the last; in order, with positions that count up."""
    ended = await stage.ended(await stage.start(FAILS))
    found = await lines(stage, ended.execution_id)
    assert [(line.path, line.attempt, line.level) for line in found] == [
        ("bad", 1, Level.WARNING),
        ("bad", 2, Level.WARNING),
        ("bad", 3, Level.ERROR),
    ]
    assert all(line.message.startswith("EXPRESSION_FAILED: ") for line in found)
    positions = [line.position for line in found]
    assert positions == sorted(set(positions))
    assert await lines(stage, ended.execution_id, level=Level.ERROR) == found[2:]
    assert await lines(stage, ended.execution_id, path="good") == []


async def test_stream_execution_logs_shows_lines_as_they_are_said_until_the_end(stage: ExecutionStage) -> None:
    """Whoever lost the stream goes on after what was seen."""
    started = await stage.start([*FAILS, {"key": "last", "noop": {}}])
    request = pb.StreamExecutionLogsRequest(execution_id=started.execution_id)

    async def streamed() -> list[pb.ExecutionLog]:
        stream = stage.first.logs.StreamExecutionLogs(request, metadata=stage.bearer(), timeout=PATIENCE)
        return [line async for said in stream for line in said.logs]

    seen = await streamed()
    assert [line.attempt for line in seen] == [1, 2, 3]
    request.after_position = seen[0].position
    assert await streamed() == seen[1:]


async def test_logs_are_forgotten_once_their_execution_has_ended_long_ago(stage: ExecutionStage) -> None:
    """Those of one that runs stay, however old they are; those of one that ended stay until their time."""
    ended = await stage.ended(await stage.start(FAILS))
    runs = await stage.start(
        [FAILS[0] | {"onError": "CONTINUE", "retryCount": 0}, {"key": "ask", "approval": {"message": "Go on?"}}]
    )

    async def asks() -> bool:
        return (await stage.states(runs.execution_id)).get("ask") == "WAITING"

    await until(asks)
    for days, left in ((1.0, 3), (0.0, 0)):
        await stage.rows(statement_for(days), 1000)
        assert len(await lines(stage, ended.execution_id)) == left
    assert len(await lines(stage, runs.execution_id)) == 1
