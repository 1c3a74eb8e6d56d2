"""Answers to steps that ask. Whoever answers holds the execution, so there is one answer."""

from uuid import UUID

from chassis.database import Transaction
from services.execution.approvals import store
from services.execution.approvals.domain import Approval, State
from services.execution.approvals.errors import ApprovalAnswered, ApprovalExpired
from services.execution.executions.errors import ExecutionEnded
from services.execution.executions.store import execution_store


async def answer_step(tx: Transaction, *, execution_id: UUID, path: str, state: State, comment: str) -> Approval:
    """Approve or refuse.

    Raises:
        ExecutionNotFound, ExecutionEnded: there is no such execution, or it has ended.
        ApprovalNotFound: the step waits for no answer.
        ApprovalAnswered, ApprovalExpired: somebody answered before, or it is too late.
    """
    execution = await execution_store.lock_execution(tx.connection, execution_id)
    before = await store.find_answer(tx.connection, execution_id, path)
    if before is not None and before.user_id is not None:
        raise ApprovalAnswered(execution_id, path, before.state.name, before.user_id)
    if before is not None:
        raise ApprovalExpired(execution_id, path, before.expire_time)
    if execution.end_time is not None:
        raise ExecutionEnded(execution_id, execution.state.name)
    asked = await store.get_asked(tx.connection, execution_id, path)
    answered = asked.answer(tx.now, state, UUID(tx.actor.subject), comment)
    await store.insert_answer(tx.connection, answered)
    await execution_store.rouse(tx.connection, execution_id)
    tx.record(state.name.lower(), after=answered)
    return answered


async def expire_step(tx: Transaction, *, execution_id: UUID, path: str) -> Approval:
    """Close what nobody answered in time; returns the answer if there is one. ExecutionNotFound, ApprovalNotFound."""
    await execution_store.lock_execution(tx.connection, execution_id)
    answered = await store.find_answer(tx.connection, execution_id, path)
    if answered is not None:
        return answered
    asked = await store.get_asked(tx.connection, execution_id, path)
    expired = asked.expire(tx.now)
    await store.insert_answer(tx.connection, expired)
    tx.record("expired", after=expired)
    return expired
