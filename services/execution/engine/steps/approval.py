"""Steps that ask a person."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from chassis.actor import Actor
from chassis.database import Database
from services.execution.approvals import operations, queries
from services.execution.approvals.domain import Approval as Answer
from services.execution.approvals.domain import State
from services.execution.engine.steps.patience import patiently
from services.execution.engine.steps.port import Attempt, Ended, Looking, Result, StepFailed


@dataclass(frozen=True, slots=True)
class Approval:
    """Asks a person. What it keeps is what is asked: from its record on, it can be answered."""

    database: Database

    async def run(self, attempt: Attempt) -> Result:
        """Ask, or look for the answer."""
        now = datetime.now(UTC)
        if attempt.progress is None:
            expire_time = now + timedelta(seconds=attempt.step.duration or 0)
            asked = {"message": attempt.step.message, "inputs": dict(attempt.inputs)}
            return Looking(expire_time, asked | {"expire_time": expire_time.isoformat()})
        expire_time = datetime.fromisoformat(attempt.progress["expire_time"])
        answer = await patiently(partial(self._answer, attempt, is_over=expire_time <= now))
        if answer is None:
            return Looking(expire_time, attempt.progress)
        if answer.state is State.APPROVED:
            return Ended({"user_id": str(answer.user_id), "comment": answer.comment})
        if answer.state is State.EXPIRED:
            raise StepFailed("EXPIRED", "nobody answered in time")
        said = f": {answer.comment}" if answer.comment else ""
        raise StepFailed("REFUSED", f"user {answer.user_id} refused{said}")

    async def _answer(self, attempt: Attempt, *, is_over: bool) -> Answer | None:
        actor = Actor.of_service("execution", attempt.account_id)
        execution_id, path = attempt.execution_id, attempt.path
        if is_over:
            return await self.database.write(actor, operations.expire_step, execution_id=execution_id, path=path)
        return await self.database.read(actor, queries.find_answer, execution_id=execution_id, path=path)
