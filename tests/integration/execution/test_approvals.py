"""Steps that ask a person: answered once, by whoever is first, and never too late."""

import asyncio

import pytest
from google.protobuf.json_format import MessageToDict
from stateroom.event.v1.change_pb2 import ChangeHeader
from stateroom.execution.v1 import approval_service_pb2 as pb
from stateroom.execution.v1 import execution_pb2
from stateroom.execution.v1 import execution_service_pb2 as execution_pb

from chassis import ids
from tests.support.execution_stage import ExecutionStage, Steps
from tests.support.refusals import refused
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

State = execution_pb2.Execution.State
ASK: Steps = [
    {"key": "ask", "approval": {"message": "Ship it?"}, "inputs": {"version": "inputs.version"}},
    {"key": "said", "data": {}, "inputs": {"comment": "steps.ask.output.comment"}},
]


async def asking(stage: ExecutionStage, steps: Steps, count: int = 1) -> execution_pb2.Execution:
    """Start steps, and return when so many of them ask."""
    started = await stage.start(steps, given={"version": 3})
    request = pb.ListApprovalsRequest(execution_id=started.execution_id)

    async def asked() -> bool:
        return len((await stage.call("ListApprovals", request)).approvals) == count

    await until(asked)
    return started


def approve(execution: execution_pb2.Execution, comment: str = "", path: str = "ask") -> pb.ApproveStepRequest:
    """Return the request that lets a step go on."""
    return pb.ApproveStepRequest(execution_id=execution.execution_id, path=path, comment=comment)


def refuse(execution: execution_pb2.Execution, comment: str = "") -> pb.RefuseStepRequest:
    """Return the request that has a step fail."""
    return pb.RefuseStepRequest(execution_id=execution.execution_id, path="ask", comment=comment)


async def test_approve_step_lets_it_go_on_with_the_comment_and_records_who_answered(stage: ExecutionStage) -> None:
    """What is asked is listed until then, with what the person who answers is to see."""
    started = await asking(stage, ASK)
    (listed,) = (await stage.call("ListApprovals", pb.ListApprovalsRequest())).approvals
    assert (listed.message, listed.state) == ("Ship it?", pb.Approval.PENDING)
    assert MessageToDict(listed.inputs) == {"version": 3.0}
    answered = await stage.call("ApproveStep", approve(started, "Go."))
    assert (answered.state, answered.user_id) == (pb.Approval.APPROVED, str(stage.user_id))
    ended = await stage.ended(started)
    assert (ended.state, MessageToDict(ended)["output"]) == (State.COMPLETED, {"comment": "Go."})
    assert (await stage.call("ListApprovals", pb.ListApprovalsRequest())).approvals == []
    rows = await stage.rows("SELECT header FROM changes UNION ALL SELECT header FROM outbox")
    headers = [ChangeHeader.FromString(row["header"]) for row in rows]
    (mine,) = [each for each in headers if each.entity_id == answered.approval_id]
    assert (mine.entity_type, mine.type, mine.actor_id) == ("approval", "approved", str(stage.user_id))


async def test_approve_step_with_the_same_request_id_answers_as_before(stage: ExecutionStage) -> None:
    """Who lost the answer asks again, and is not told that somebody else was first."""
    started = await asking(stage, ASK)
    request = approve(started, "Go.")
    request.request_id = str(ids.new())
    first = await stage.call("ApproveStep", request)
    assert await stage.call("ApproveStep", request) == first


async def test_refuse_step_fails_it_with_what_was_said(stage: ExecutionStage) -> None:
    """And the execution with it."""
    started = await asking(stage, ASK)
    await stage.call("RefuseStep", refuse(started, "Not on a Friday."))
    ended = await stage.ended(started)
    assert (ended.state, ended.failure.reason, ended.failure.path) == (State.FAILED, "REFUSED", "ask")
    assert "Not on a Friday." in ended.failure.message
    assert (await stage.states(started.execution_id))["said"] == "SKIPPED"


async def test_answers_of_many_at_once_are_one_and_the_others_learn_whose(stage: ExecutionStage) -> None:
    """Whatever they say."""
    started = await asking(stage, ASK)
    calls = [stage.call("ApproveStep", approve(started)) for _ in range(4)]
    calls += [stage.call("RefuseStep", refuse(started)) for _ in range(4)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    answered = [each for each in results if isinstance(each, pb.Approval)]
    assert len(answered) == 1
    refusal = await refused(stage.call("ApproveStep", approve(started)))
    assert (refusal.reason, refusal.values["userId"]) == ("APPROVAL_ANSWERED", str(stage.user_id))
    assert refusal.values["state"] == pb.Approval.State.Name(answered[0].state)
    ended = await stage.ended(started)
    assert (ended.state == State.COMPLETED) is (answered[0].state == pb.Approval.APPROVED)


async def test_approval_that_nobody_answers_in_time_fails_and_takes_no_answer(stage: ExecutionStage) -> None:
    """The steps after it see why, where that is wanted."""
    steps: Steps = [
        {"key": "ask", "approval": {"message": "Ship it?", "timeout": "0.3s"}, "onError": "CONTINUE"},
        {"key": "why", "data": {}, "inputs": {"reason": "steps.ask.failure.reason"}},
        {"key": "more", "wait": {"duration": "3000s"}},
    ]
    started = await stage.start(steps)

    async def went_on() -> bool:
        return (await stage.states(started.execution_id)).get("more") == "WAITING"

    await until(went_on)
    why = (await stage.steps(started.execution_id))["why"]
    assert MessageToDict(why)["output"] == {"reason": "EXPIRED"}
    assert (await refused(stage.call("ApproveStep", approve(started)))).reason == "APPROVAL_EXPIRED"


async def test_approve_step_that_asks_nothing_or_of_an_ended_execution_is_refused(stage: ExecutionStage) -> None:
    """Nothing is kept of it."""
    started = await asking(stage, ASK)
    assert (await refused(stage.call("ApproveStep", approve(started, path="said")))).reason == "APPROVAL_NOT_FOUND"
    await stage.call("CancelExecution", execution_pb.CancelExecutionRequest(execution_id=started.execution_id))
    assert (await refused(stage.call("ApproveStep", approve(started)))).reason == "EXECUTION_ENDED"
    assert (await stage.call("ListApprovals", pb.ListApprovalsRequest())).approvals == []


@pytest.mark.invariant("I15")
async def test_approvals_beside_steps_that_come_and_go_are_all_seen(stage: ExecutionStage) -> None:
    """Whether the execution is owned, is just being given back, or sleeps, when the answers come."""
    asks = [f"ask{number}" for number in range(12)]
    steps: Steps = [
        {"key": "all", "parallel": {"steps": [*asks, "each"]}},
        *({"key": key, "approval": {"message": "?"}} for key in asks),
        {"key": "each", "loop": {"items": "[" + ", ".join("1" * 150) + "]", "steps": ["turn"]}},
        {"key": "turn", "wait": {"duration": "0.005s"}},
    ]
    started = await asking(stage, steps, len(asks))
    for key in asks:
        await stage.call("ApproveStep", approve(started, path=f"all/{key}"))
    assert (await stage.ended(started)).state == State.COMPLETED


async def test_list_approvals_shows_them_page_by_page(stage: ExecutionStage) -> None:
    """Those of the newest execution first, each once."""
    both: Steps = [
        {"key": "both", "parallel": {"steps": ["left", "right"]}},
        *({"key": key, "approval": {"message": "?"}} for key in ("left", "right")),
    ]
    started = [await asking(stage, both, 2) for _ in range(2)]
    seen, token = [], ""
    for _ in range(4):
        request = pb.ListApprovalsRequest(page_size=1, page_token=token)
        page = await stage.call("ListApprovals", request)
        seen += [(each.execution_id, each.path) for each in page.approvals]
        token = page.next_page_token
    newest, oldest = started[1].execution_id, started[0].execution_id
    assert (token, seen) == (
        "",
        [(newest, "both/left"), (newest, "both/right"), (oldest, "both/left"), (oldest, "both/right")],
    )
