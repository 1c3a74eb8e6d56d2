"""What the reconciler does for an action: has it run, and writes down what its run says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from chassis import faults
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError, LimitExceeded, Unavailable
from chassis.reconcile import Claim
from services.session.conversations import queries
from services.session.conversations.domain.action import Action, Failure, Outcome, State, Type
from services.session.conversations.operations import actions
from services.session.conversations.running.port import ActionRunner

_OFTEN, _SELDOM = 0.1, 2.0  # seconds between looks at a run: a tenth of its age, within these
_AGE = 0.1

_AFTER_START = faults.Point("actions.after_start", "The run of an action has begun, and its row does not say so.")
_AFTER_LOOK = faults.Point("actions.after_look", "The run of an action has ended, and its row does not say so.")


@dataclass(frozen=True, slots=True)
class ActionReconciliation:
    """Works on claimed actions."""

    database: Database
    runners: Mapping[Type, ActionRunner]

    async def reconcile(self, claim: Claim) -> float | None:
        """Take an action as far as its run is. Raises what keeps it waiting; it is then tried again."""
        actor = claim.actor
        action = await self.database.read(actor, queries.get_action, action_id=claim.entity_id)
        if action.state.final:
            return None
        try:
            outcome = await self._proceed(actor, action)
        except (Unavailable, LimitExceeded):
            if not _is_over(action):
                raise
            outcome = _failed("TIMED_OUT", "its time was up before it could begin")
        except DomainError as exc:
            outcome = _failed("NOT_STARTED", exc.message)
        if outcome is None:
            age = (datetime.now(UTC) - action.create_time).total_seconds()
            return min(max(age * _AGE, _OFTEN), _SELDOM)
        await self.database.write(actor, actions.end_action, action_id=action.action_id, outcome=outcome)
        return None

    async def _proceed(self, actor: Actor, action: Action) -> Outcome | None:
        runner = self.runners[action.type]
        if action.state is State.PENDING:
            await runner.start(action)
            _AFTER_START.reach()
            action = await self.database.write(actor, actions.begin_action, action_id=action.action_id)
        if action.state.final:
            return None
        if action.cancel_requested:
            await runner.cancel(action)
        outcome = await runner.look(action)
        if outcome is not None:
            _AFTER_LOOK.reach()
        return outcome


def _is_over(action: Action) -> bool:
    return not action.has_run and datetime.now(UTC) > action.create_time + action.timeout


def _failed(reason: str, cause: str) -> Outcome:
    return Outcome(State.FAILED, failure=Failure(reason, cause))
