"""Notes of code that runs, which are no changes of resources."""

from uuid import UUID

from chassis import ids
from chassis.database import Transaction
from services.execution.code import store
from services.execution.code.domain import CodeRun
from services.execution.executions.errors import ExecutionEnded
from services.execution.executions.store import execution_store


async def begin_run(
    tx: Transaction, *, execution_id: UUID, path: str, attempt: int, workspace_id: UUID, runner_id: str
) -> CodeRun:
    """Note that code is about to run in a runner; or return what an attempt has begun. ExecutionEnded."""
    execution = await execution_store.lock_execution(tx.connection, execution_id)
    known = await store.find_run(tx.connection, execution_id, path, attempt)
    if known is not None:
        return known
    if execution.end_time is not None:
        raise ExecutionEnded(execution_id, execution.state.name)
    run = CodeRun(ids.new(), tx.account_id, execution_id, path, attempt, workspace_id, runner_id)
    await store.insert_run(tx.connection, run)
    return run


async def forget_run(tx: Transaction, *, code_run_id: UUID) -> None:
    """Forget what is cleaned up."""
    await store.delete_run(tx.connection, code_run_id)
