"""Decides about changes that triggers wait for: what is found out about one, outside of any transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC

from stateroom.event.v1.change_pb2 import Change, ChangeHeader

from chassis.actor import Actor
from chassis.database import Database
from chassis.reconcile import Claim
from services.execution.changes import contents, operations, queries
from services.execution.changes.domain import TriggerEvent
from services.execution.engine.engine import Engine
from services.execution.expressions import Evaluation
from services.execution.triggers import inputs
from services.execution.triggers import queries as triggers
from services.execution.triggers.domain import EventFilter, Trigger
from services.execution.triggers.taking import take


@dataclass(frozen=True, slots=True)
class Deciding:
    """Decides about one change after the other. What it decided about is gone from the table.

    `look` has whoever claims changes look for more: as many may have come as are claimed at once.
    """

    database: Database
    evaluation: Evaluation
    engine: Engine
    look: Callable[[], None]

    async def reconcile(self, claim: Claim) -> float | None:
        """Decide about a change."""
        find = queries.find_trigger_event
        event = await self.database.read(claim.actor, find, trigger_event_id=claim.entity_id)
        if event is not None:
            await self._decide(event)
        self.look()
        return None

    async def _decide(self, event: TriggerEvent) -> None:
        change = Change.FromString(event.change)
        header = ChangeHeader.FromString(change.header)
        actor = Actor(event.account_id, f"trigger:{event.trigger_id}", cause_event_id=header.event_id)
        trigger = await self.database.read(actor, triggers.get_trigger, trigger_id=event.trigger_id)
        started = await self.database.write(
            actor,
            operations.decide_event,
            event=event,
            trigger=trigger,
            given=await self._given(trigger, contents.of(change, event.trigger_id, event.key)),
            time=header.time.ToDatetime(UTC),
            owner=self.engine.owner,
        )
        take(self.engine, started)

    async def _given(self, trigger: Trigger, seen: dict[str, object]) -> operations.Given:
        condition = trigger.config.condition if isinstance(trigger.config, EventFilter) else ""
        expressions = self.evaluation.of(trigger.account_id)
        fits = await inputs.holds(condition, seen, expressions)
        if fits is True:
            return await inputs.of_event(trigger.inputs, seen, expressions)
        return fits or None
