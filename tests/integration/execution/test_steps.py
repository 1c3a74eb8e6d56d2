"""What each type of step does, from a call to the end of the execution."""

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from stateroom.execution.v1 import execution_pb2

from tests.support.execution_stage import ExecutionStage, Steps

pytestmark = pytest.mark.asyncio(loop_scope="session")

State = execution_pb2.Execution.State


async def _run(stage: ExecutionStage, steps: Steps, **wishes: object) -> tuple[execution_pb2.Execution, object]:
    """Run steps to their end; returns the execution and its output as JSON."""
    ended = await stage.ended(await stage.start(steps, **wishes))  # type: ignore[arg-type]  # fields of an execution
    return ended, MessageToDict(ended).get("output")


async def test_start_execution_of_steps_in_a_row_ends_with_the_output_of_the_last(stage: ExecutionStage) -> None:
    """Each sees what those before it made; what was a whole number stays one."""
    ended, output = await _run(
        stage,
        [
            {"key": "nothing", "noop": {}},
            {"key": "double", "data": {}, "inputs": {"n": "inputs.n * 2"}},
            {"key": "text", "data": {}, "inputs": {"said": "'n is ' + string(steps.double.output.n)"}},
        ],
        given={"n": 21},
    )
    assert (ended.state, ended.steps_completed, ended.steps_failed) == (State.COMPLETED, 3, 0)
    assert output == {"said": "n is 42"}
    assert await stage.states(ended.execution_id) == dict.fromkeys(("nothing", "double", "text"), "COMPLETED")


async def test_start_execution_with_a_condition_runs_one_branch_and_skips_the_other(stage: ExecutionStage) -> None:
    """The steps of the branch that is not taken are there to see, as SKIPPED."""
    steps: Steps = [
        {"key": "large", "condition": {"expression": "inputs.n > 10", "then": ["yes"], "otherwise": ["no"]}},
        {"key": "yes", "noop": {}},
        {"key": "no", "noop": {}},
    ]
    ended, output = await _run(stage, steps, given={"n": 11})
    assert (ended.state, output) == (State.COMPLETED, True)
    assert await stage.states(ended.execution_id) == {
        "large": "COMPLETED",
        "large/yes": "COMPLETED",
        "large/no": "SKIPPED",
    }


async def test_start_execution_with_a_loop_gives_a_list_in_the_order_of_the_items(stage: ExecutionStage) -> None:
    """Whatever turn is over first; each sees its own item and place."""
    ended, output = await _run(
        stage,
        [
            {"key": "each", "loop": {"items": "inputs.list", "steps": ["double"], "concurrency": 3}},
            {"key": "double", "data": {}, "inputs": {"value": "item * 2", "place": "index"}},
        ],
        given={"list": [3, 1, 2, 5]},
    )
    assert ended.state == State.COMPLETED
    assert output == [{"value": value * 2.0, "place": float(place)} for place, value in enumerate((3, 1, 2, 5))]


async def test_start_execution_with_a_loop_over_nothing_ends_it_at_once(stage: ExecutionStage) -> None:
    """A loop without items has no turns, and an empty list comes of it."""
    ended, output = await _run(
        stage, [{"key": "each", "loop": {"items": "[]", "steps": ["one"]}}, {"key": "one", "noop": {}}]
    )
    assert (ended.state, output) == (State.COMPLETED, [])


async def test_start_execution_with_a_graph_runs_each_step_after_what_it_depends_on(stage: ExecutionStage) -> None:
    """Inside PARALLEL what depends on nothing begins at once; the output has each by its key."""
    ended, output = await _run(
        stage,
        [
            {"key": "all", "parallel": {"steps": ["a", "b", "sum"]}},
            {
                "key": "sum",
                "data": {},
                "inputs": {"n": "steps.a.output.n + steps.b.output.n"},
                "depends_on": ["a", "b"],
            },
            {"key": "a", "data": {}, "inputs": {"n": "1"}},
            {"key": "b", "data": {}, "inputs": {"n": "2"}},
        ],
    )
    assert (ended.state, output) == (State.COMPLETED, {"a": {"n": 1.0}, "b": {"n": 2.0}, "sum": {"n": 3.0}})


async def test_start_execution_with_a_wait_goes_on_when_its_time_has_come(stage: ExecutionStage) -> None:
    """Nothing runs meanwhile, and nobody owns it; an instant that is over does not wait."""
    ended, _ = await _run(
        stage,
        [{"key": "short", "wait": {"duration": "0.3s"}}, {"key": "past", "wait": {"time": "2020-01-01T00:00:00Z"}}],
    )
    steps = await stage.steps(ended.execution_id)
    assert ended.state == State.COMPLETED
    waited = steps["short"].end_time.ToNanoseconds() - steps["short"].start_time.ToNanoseconds()
    assert waited >= 0.3e9


async def test_start_execution_with_a_wait_beside_what_runs_goes_on_at_its_time(stage: ExecutionStage) -> None:
    """It does not wait until the others have ended as well."""
    busy = [{"key": f"b{number}", "data": {}, "inputs": {"n": "inputs.list.map(x, x)"}} for number in range(60)]
    ended, _ = await _run(
        stage,
        [
            {"key": "all", "parallel": {"steps": ["quick", "then", "long"]}},
            {"key": "quick", "wait": {"duration": "0.1s"}},
            {"key": "then", "noop": {}, "dependsOn": ["quick"]},
            {"key": "long", "condition": {"expression": "true", "then": [step["key"] for step in busy]}},
            *busy,
        ],
        given={"list": list(range(400))},
    )
    steps = await stage.steps(ended.execution_id)
    assert ended.state == State.COMPLETED
    assert steps["all/then"].sequence < steps["all/long/b59"].sequence


async def test_start_execution_with_a_failing_step_fails_and_skips_the_rest(stage: ExecutionStage) -> None:
    """The failure names the step, in words that help."""
    ended, _ = await _run(
        stage, [{"key": "wrong", "data": {}, "inputs": {"n": "inputs.missing + 1"}}, {"key": "after", "noop": {}}]
    )
    assert ended.state == State.FAILED
    assert (ended.failure.reason, ended.failure.path) == ("EXPRESSION_FAILED", "wrong")
    assert "missing" in ended.failure.message
    assert await stage.states(ended.execution_id) == {"wrong": "FAILED", "after": "SKIPPED"}


async def test_start_execution_with_a_failure_to_continue_after_goes_on(stage: ExecutionStage) -> None:
    """Those behind it see that it failed, and why."""
    ended, output = await _run(
        stage,
        [
            {"key": "wrong", "data": {}, "inputs": {"n": "1 / 0"}, "on_error": "CONTINUE"},
            {"key": "after", "data": {}, "inputs": {"why": "steps.wrong.failure.reason"}},
        ],
    )
    assert (ended.state, ended.steps_failed, output) == (State.COMPLETED, 1, {"why": "EXPRESSION_FAILED"})


async def test_start_execution_with_a_step_to_retry_tries_it_as_often_as_it_says(stage: ExecutionStage) -> None:
    """Between two attempts it waits, and nothing runs; in the end it fails."""
    ended, _ = await _run(
        stage,
        [
            {
                "key": "wrong",
                "data": {},
                "inputs": {"n": "1 / 0"},
                "on_error": "RETRY",
                "retry_count": 2,
                "retry_delay": "0.1s",
            }
        ],
    )
    assert ended.state == State.FAILED
    assert (await stage.steps(ended.execution_id))["wrong"].attempt == 3


async def test_start_execution_with_a_failure_beside_a_long_wait_fails_at_once(stage: ExecutionStage) -> None:
    """What sleeps beside the failure, however deep inside, does not hold it up for a year."""
    ended, _ = await _run(
        stage,
        [
            {"key": "all", "parallel": {"steps": ["deep", "wrong"]}},
            {"key": "deep", "parallel": {"steps": ["year"]}},
            {"key": "year", "wait": {"duration": "30000000s"}},
            {"key": "wrong", "data": {}, "inputs": {"n": "1 / 0"}},
        ],
    )
    assert ended.state == State.FAILED
    assert await stage.states(ended.execution_id) == {
        "all": "FAILED",
        "all/deep": "CANCELLED",
        "all/deep/year": "CANCELLED",
        "all/wrong": "FAILED",
    }


async def test_start_execution_whose_time_is_up_is_ended(stage: ExecutionStage) -> None:
    """Its steps are ended with it."""
    wanted = await stage.start([{"key": "year", "wait": {"duration": "30000000s"}}], timeout={"nanos": 300_000_000})
    ended = await stage.ended(wanted)
    assert (ended.state, ended.failure.reason) == (State.TIMED_OUT, "TIMED_OUT")
    assert await stage.states(ended.execution_id) == {"year": "CANCELLED"}


async def test_start_execution_with_a_value_that_cannot_be_stored_fails(stage: ExecutionStage) -> None:
    """And neither is it tried for ever, nor does it hold up what others have come to."""
    ended, _ = await _run(stage, [{"key": "nul", "data": {}, "inputs": {"n": r"'a\x00b'"}}])
    assert (ended.state, ended.failure.reason) == (State.FAILED, "EXPRESSION_FAILED")


async def test_start_execution_with_an_expression_without_end_fails_and_harms_nobody(stage: ExecutionStage) -> None:
    """What evaluates it is killed; the next expression is evaluated by another."""
    hungry = {"key": "hungry", "data": {}, "inputs": {"n": "inputs.list.map(x, [x]) + inputs.list.map(x, [x])"}}
    ended, _ = await _run(stage, [hungry], given={"list": list(range(9000))})
    assert (ended.state, ended.failure.reason) == (State.FAILED, "EXPRESSION_FAILED")
    ended, output = await _run(stage, [{"key": "well", "data": {}, "inputs": {"n": "1 + 1"}}])
    assert (ended.state, output) == (State.COMPLETED, {"n": 2.0})


async def test_data_step_with_a_filter_gives_what_it_makes_of_the_inputs(stage: ExecutionStage) -> None:
    """A filter that fails has the step fail; one that is none is refused before."""
    step = {"key": "shape", "inputs": {"items": "[1, 2, 3]"}, "data": {"jq": "{sum: (.items | add)}"}}
    ended = await stage.ended(await stage.start([step]))
    assert MessageToDict(ended)["output"] == {"sum": 6.0}, ended
    ended = await stage.ended(await stage.start([step | {"data": {"jq": ".items.a"}}]))
    assert ended.failure.reason == "FILTER_FAILED"
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stage.start([step | {"data": {"jq": ".items |"}}])
    assert "steps[0].data.jq" in str(raised.value.trailing_metadata())
