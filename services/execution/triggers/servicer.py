"""TriggerService: what starts executions by itself."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from stateroom.execution.v1 import trigger_pb2
from stateroom.execution.v1 import trigger_service_pb2 as pb

from chassis import ids, masks
from chassis.database import Database, Transaction
from chassis.pages import Pages
from chassis.rpc.call import Call
from services.execution.expressions import Evaluation
from services.execution.triggers import convert, inputs, operations, queries
from services.execution.triggers.domain import Trigger

PREVIEWED = 10
"""Times of a schedule that are shown."""


class Transition(Protocol):
    """An operation that takes a trigger from one state to another."""

    async def __call__(self, tx: Transaction, *, trigger_id: UUID, etag: str) -> Trigger:
        """Return the trigger as it is afterwards."""


TransitionRequest = pb.EnableTriggerRequest | pb.DisableTriggerRequest | pb.DeleteTriggerRequest


@dataclass(frozen=True, slots=True)
class TriggerServicer:
    """Serves stateroom.execution.v1.TriggerService. An account may have `limit` triggers."""

    database: Database
    pages: Pages
    evaluation: Evaluation
    limit: int

    async def CreateTrigger(self, request: pb.CreateTriggerRequest, call: Call) -> trigger_pb2.Trigger:
        """Make a trigger."""
        await self._expect_valid(request.trigger, call)
        wanted = convert.trigger_from_proto(request, call.account_id, ids.parse(call.principal.subject))
        trigger = await self.database.write(call.actor, operations.create_trigger, trigger=wanted, limit=self.limit)
        return convert.trigger_to_proto(trigger)

    async def GetTrigger(self, request: pb.GetTriggerRequest, call: Call) -> trigger_pb2.Trigger:
        """Return a trigger."""
        trigger_id = ids.parse(request.trigger_id)
        trigger = await self.database.read(call.actor, queries.get_trigger, trigger_id=trigger_id)
        return convert.trigger_to_proto(trigger)

    async def ListTriggers(self, request: pb.ListTriggersRequest, call: Call) -> pb.ListTriggersResponse:
        """Return a page of triggers."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_triggers,
            parent_workflow_id=ids.parse(request.parent_workflow_id) if request.parent_workflow_id else None,
            type=convert.type_from_proto(request.type),
            state=convert.state_from_proto(request.state),
            show_deleted=request.show_deleted,
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda trigger: trigger.trigger_id)
        return pb.ListTriggersResponse(triggers=map(convert.trigger_to_proto, shown), next_page_token=token)

    async def UpdateTrigger(self, request: pb.UpdateTriggerRequest, call: Call) -> trigger_pb2.Trigger:
        """Change a trigger."""
        names = masks.fields_to_set(request.trigger, request.update_mask)
        await self._expect_valid(request.trigger, call)
        trigger = await self.database.write(
            call.actor,
            operations.update_trigger,
            trigger_id=ids.parse(request.trigger_id),
            values=convert.values_from_proto(request.trigger, names),
            etag=request.etag,
        )
        return convert.trigger_to_proto(trigger)

    async def EnableTrigger(self, request: pb.EnableTriggerRequest, call: Call) -> trigger_pb2.Trigger:
        """Let a trigger start executions."""
        return await self._change(operations.enable_trigger, request, call)

    async def DisableTrigger(self, request: pb.DisableTriggerRequest, call: Call) -> trigger_pb2.Trigger:
        """Let a trigger start none any more."""
        return await self._change(operations.disable_trigger, request, call)

    async def DeleteTrigger(self, request: pb.DeleteTriggerRequest, call: Call) -> trigger_pb2.Trigger:
        """Delete a trigger."""
        return await self._change(operations.delete_trigger, request, call)

    async def ListOccurrences(self, request: pb.ListOccurrencesRequest, call: Call) -> pb.ListOccurrencesResponse:
        """Return a page of what a trigger has decided."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_occurrences,
            trigger_id=ids.parse(request.trigger_id),
            decision=convert.decision_from_proto(request.decision),
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda occurrence: occurrence.occurrence_id)
        return pb.ListOccurrencesResponse(occurrences=map(convert.occurrence_to_proto, shown), next_page_token=token)

    async def PreviewSchedule(self, request: pb.PreviewScheduleRequest, _call: Call) -> pb.PreviewScheduleResponse:
        """Return the next times of a schedule."""
        schedule = convert.schedule_from_proto(trigger_pb2.Schedule(cron=request.cron, time_zone=request.time_zone))
        now = datetime.now(UTC)
        schedule.expect_valid("", now)
        response = pb.PreviewScheduleResponse()
        for time in schedule.preview(now, PREVIEWED):
            response.next_time.add().FromDatetime(time)
        return response

    async def _expect_valid(self, trigger: trigger_pb2.Trigger, call: Call) -> None:
        if trigger.HasField("schedule"):
            convert.schedule_from_proto(trigger.schedule).expect_valid("trigger.schedule.", datetime.now(UTC))
        await inputs.expect_valid(trigger.inputs, trigger.event.condition, self.evaluation.of(call.account_id))

    async def _change(self, operation: Transition, request: TransitionRequest, call: Call) -> trigger_pb2.Trigger:
        trigger_id = ids.parse(request.trigger_id)
        trigger = await self.database.write(call.actor, operation, trigger_id=trigger_id, etag=request.etag)
        return convert.trigger_to_proto(trigger)
