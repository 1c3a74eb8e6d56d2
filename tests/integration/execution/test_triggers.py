"""Triggers as resources, and schedules in a running service."""

import pytest
from google.protobuf.json_format import ParseDict
from stateroom.event.v1.change_pb2 import ChangeHeader
from stateroom.execution.v1 import execution_service_pb2, trigger_pb2
from stateroom.execution.v1 import trigger_service_pb2 as pb

from chassis import ids
from tests.support.execution_stage import ExecutionStage, Steps
from tests.support.refusals import refused
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

ECHO: Steps = [{"key": "echo", "data": {}, "inputs": {"at": "inputs.at", "kind": "inputs.kind"}}]
INPUTS = {"at": "event.time", "kind": "'nightly'"}
NEVER = {"cron": "0 0 29 2 *"}
State = trigger_pb2.Trigger.State
Decision = trigger_pb2.Occurrence.Decision


async def _missed(stage: ExecutionStage, rule: str, **values: object) -> trigger_pb2.Trigger:
    """Return a trigger of leap days, which nobody has looked at since 2016."""
    family = values.pop("family", None) or await stage.workflow(ECHO)
    schedule = NEVER | {"misfireRule": rule}
    made = await stage.trigger(str(family), schedule=schedule, inputs=INPUTS, **values)
    await _let_pass(stage, made.trigger_id)
    return made


async def _let_pass(stage: ExecutionStage, trigger_id: str) -> None:
    await stage.rows("UPDATE triggers SET next_time = '2016-02-29Z' WHERE trigger_id = $1", trigger_id)


async def _decisions(stage: ExecutionStage, trigger_id: str, count: int) -> list[trigger_pb2.Occurrence]:
    """Return decisions, oldest first, once there are as many."""

    async def decided() -> bool:
        return len(await stage.occurrences(trigger_id)) >= count

    await until(decided)
    return (await stage.occurrences(trigger_id))[::-1]


async def test_schedule_starts_an_execution_with_what_its_expressions_give(stage: ExecutionStage) -> None:
    """For the person who enabled it; the execution says which trigger, and the trigger which execution."""
    made = await _missed(stage, "LATEST")
    *_, last = await _decisions(stage, made.trigger_id, 3)
    request = execution_service_pb2.GetExecutionRequest(execution_id=last.execution_id)
    ended = await stage.ended(await stage.call("GetExecution", request))
    assert dict(ended.output.struct_value) == {"at": "2024-02-29T00:00:00+00:00", "kind": "nightly"}
    assert (ended.trigger_id, ended.user_id, ended.name) == (made.trigger_id, str(stage.user_id), "a")
    found = await stage.call("GetTrigger", pb.GetTriggerRequest(trigger_id=made.trigger_id))
    assert (found.etag, found.next_time.ToDatetime().year) == (made.etag, 2028)


@pytest.mark.parametrize(
    ("rule", "decisions"),
    [
        ("NONE", [Decision.SKIPPED] * 3),
        ("LATEST", [Decision.SKIPPED, Decision.SKIPPED, Decision.STARTED]),
        ("ALL", [Decision.STARTED] * 3),
    ],
)
async def test_schedule_that_nobody_looked_at_does_as_its_rule_says(
    stage: ExecutionStage, rule: str, decisions: list[int]
) -> None:
    """Each time that was missed is decided about, and told."""
    made = await _missed(stage, rule)
    told = await _decisions(stage, made.trigger_id, 3)
    assert [each.decision for each in told] == decisions
    assert [each.time.ToDatetime().year for each in told] == [2016, 2020, 2024]
    assert {each.reason for each in told if each.decision == Decision.SKIPPED} <= {"MISFIRED"}
    listed = (await stage.call("ListExecutions", execution_service_pb2.ListExecutionsRequest())).executions
    assert sorted(each.execution_id for each in listed) == sorted(
        each.execution_id for each in told if each.execution_id
    )


async def test_schedule_that_missed_more_than_a_hundred_times_decides_about_the_newest(stage: ExecutionStage) -> None:
    """Each of those, as its rule says; those before are told together, and start nothing."""
    made = await stage.trigger(await stage.workflow(ECHO), schedule={"cron": "0 3 * * *", "misfireRule": "ALL"})
    await stage.rows("UPDATE triggers SET next_time = '2020-01-01T03:00Z' WHERE trigger_id = $1", made.trigger_id)
    told = await _decisions(stage, made.trigger_id, 101)
    first, *others = told
    assert (first.decision, first.time.ToDatetime().year) == (Decision.SKIPPED, 2020)
    assert first.last_time.seconds + 86400 == others[0].time.seconds
    assert {each.decision for each in others} == {Decision.STARTED}
    assert len({each.execution_id for each in others}) == 100


async def test_schedule_whose_workflow_is_not_active_says_so(stage: ExecutionStage) -> None:
    """A time at which nothing can be started is decided about as well; so is one whose expression has no value."""
    draft = (await stage.create(ECHO)).parent_workflow_id
    made = await _missed(stage, "LATEST", family=draft)
    assert [each.reason for each in await _decisions(stage, made.trigger_id, 3)][-1] == "WORKFLOW_NOT_ACTIVE"
    wrong = await stage.trigger(await stage.workflow(ECHO), schedule=NEVER, inputs={"at": "event.nothing"})
    await _let_pass(stage, wrong.trigger_id)
    last = (await _decisions(stage, wrong.trigger_id, 3))[-1]
    assert (last.decision, last.reason, last.execution_id) == (Decision.FAILED, "EXPRESSION_FAILED", "")


async def test_disable_trigger_starts_nothing_and_says_what_it_skipped(stage: ExecutionStage) -> None:
    """What happens while it is disabled is not made up for; to disable it again changes nothing."""
    made = await stage.trigger(await stage.workflow(ECHO), schedule=NEVER)
    assert (made.state, made.next_time.ToDatetime().year) == (State.ENABLED, 2028)
    disabled = await stage.call("DisableTrigger", pb.DisableTriggerRequest(trigger_id=made.trigger_id))
    assert (disabled.state, disabled.HasField("next_time")) == (State.DISABLED, False)
    again = await stage.call("DisableTrigger", pb.DisableTriggerRequest(trigger_id=made.trigger_id))
    assert again == disabled
    enabled = await stage.call("EnableTrigger", pb.EnableTriggerRequest(trigger_id=made.trigger_id))
    assert (enabled.state, enabled.next_time.ToDatetime().year) == (State.ENABLED, 2028)
    assert await stage.occurrences(made.trigger_id) == []


async def test_enable_trigger_by_somebody_else_starts_its_executions_for_them(stage: ExecutionStage) -> None:
    """Whoever enables it answers for it, though it was enabled."""
    made = await stage.trigger(await stage.workflow(ECHO), schedule=NEVER)
    stage.user_id = ids.new()
    enabled = await stage.call("EnableTrigger", pb.EnableTriggerRequest(trigger_id=made.trigger_id))
    assert (enabled.user_id, enabled.next_time) == (str(stage.user_id), made.next_time)


async def test_update_trigger_goes_on_with_the_new_schedule(stage: ExecutionStage) -> None:
    """The next time is of the new one; a new name alone changes no time, the same values change nothing."""
    made = await stage.trigger(await stage.workflow(ECHO), schedule=NEVER)
    wanted = ParseDict({"schedule": {"cron": " 0  0 1 1 * ", "timeZone": "Asia/Tokyo"}}, trigger_pb2.Trigger())
    updated = await _update(stage, made, wanted)
    assert (updated.schedule.cron, updated.next_time.ToDatetime().strftime("%m-%d %H")) == ("0 0 1 1 *", "12-31 15")
    renamed = await _update(stage, updated, trigger_pb2.Trigger(name="b"))
    assert (renamed.name, renamed.next_time, renamed.schedule) == ("b", updated.next_time, updated.schedule)
    assert await _update(stage, renamed, trigger_pb2.Trigger(name="b")) == renamed
    stale = _update(stage, made, trigger_pb2.Trigger(name="c"))
    assert (await refused(stale)).reason == "ETAG_MISMATCH"


async def _update(stage: ExecutionStage, read: trigger_pb2.Trigger, wanted: trigger_pb2.Trigger) -> trigger_pb2.Trigger:
    request = pb.UpdateTriggerRequest(trigger_id=read.trigger_id, trigger=wanted, etag=read.etag)
    updated: trigger_pb2.Trigger = await stage.call("UpdateTrigger", request)
    return updated


async def test_delete_trigger_leaves_what_it_decided(stage: ExecutionStage) -> None:
    """It is gone from lists, cannot be enabled, and tells on what it did; each change of it is recorded."""
    made = await _missed(stage, "LATEST")
    told = await _decisions(stage, made.trigger_id, 3)
    await stage.call("DeleteTrigger", pb.DeleteTriggerRequest(trigger_id=made.trigger_id))
    assert (await stage.call("ListTriggers", pb.ListTriggersRequest())).triggers == []
    assert len((await stage.call("ListTriggers", pb.ListTriggersRequest(show_deleted=True))).triggers) == 1
    enabling = stage.call("EnableTrigger", pb.EnableTriggerRequest(trigger_id=made.trigger_id))
    assert (await refused(enabling)).reason == "TRIGGER_NOT_FOUND"
    assert (await stage.occurrences(made.trigger_id))[::-1] == told
    rows = await stage.rows("SELECT header FROM changes UNION ALL SELECT header FROM outbox")
    headers = [ChangeHeader.FromString(row["header"]) for row in rows]
    assert {each.type for each in headers if each.entity_id == made.trigger_id} == {"created", "deleted"}


async def test_create_trigger_of_what_is_wrong_is_refused_with_the_field(stage: ExecutionStage) -> None:
    """A schedule that is none, an expression that sees nothing of the kind, a workflow that is not there."""
    family = await stage.workflow(ECHO)
    wrong = {
        "INVALID_CRON": (family, {"schedule": {"cron": "60 * * * *"}}),
        "CRON_NEVER_FIRES": (family, {"schedule": {"cron": "0 0 30 2 *"}}),
        "UNKNOWN_TIME_ZONE": (family, {"schedule": NEVER | {"timeZone": "Mars/X"}}),
        "INVALID_EXPRESSION": (family, {"schedule": NEVER, "inputs": {"a": "steps.a", "b": "1 +"}}),
        "WORKFLOW_NOT_FOUND": (str(ids.new()), {"schedule": NEVER}),
        "INVALID_FIELD": (family, {}),
    }
    refusals = {reason: await refused(stage.trigger(of, **values)) for reason, (of, values) in wrong.items()}
    assert {reason: refusal.reason for reason, refusal in refusals.items()} == {reason: reason for reason in wrong}
    assert refusals["INVALID_CRON"].fields[0] == "trigger.schedule.cron"
    assert len(refusals["INVALID_EXPRESSION"].fields) == 2
    assert (await stage.call("ListTriggers", pb.ListTriggersRequest())).triggers == []


async def test_preview_schedule_shows_ten_times(stage: ExecutionStage) -> None:
    """In the zone's own time, whatever day it is."""
    request = pb.PreviewScheduleRequest(cron="0 12 * * *", time_zone="Asia/Tokyo")
    shown = await stage.call("PreviewSchedule", request)
    assert [time.ToDatetime().hour for time in shown.next_time] == [3] * 10
