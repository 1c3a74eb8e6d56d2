"""Executions that wait until fewer others run than their account or their workflow may have.

Those of one workflow, and those of an account that run definitions of their own, are a queue each.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func, select, text, update

from chassis.sql import Connection
from services.execution.executions.domain import Execution, State
from services.execution.executions.store.rows import COLUMNS, execution_of
from services.execution.executions.tables import executions

if TYPE_CHECKING:
    from chassis import system

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('executions that wait ' || :account_id, 0))")
_QUEUE = "COALESCE(parent_workflow_id, account_id)"

# What a workflow may have is what its ACTIVE version says, or without one the newest. A system connection sees the
# queues of all accounts, another those of its own.
_ROOM = f"""
WITH RECURSIVE queues AS (
    (
        SELECT account_id, {_QUEUE} AS queue_id FROM executions WHERE state = 'PENDING'
        ORDER BY account_id, {_QUEUE} LIMIT 1
    ) UNION ALL
    SELECT following.account_id, following.queue_id FROM queues CROSS JOIN LATERAL (
        SELECT account_id, {_QUEUE} AS queue_id FROM executions
        WHERE state = 'PENDING' AND (account_id, {_QUEUE}) > (queues.account_id, queues.queue_id)
        ORDER BY account_id, {_QUEUE} LIMIT 1
    ) AS following
), running AS (
    SELECT account_id, {_QUEUE} AS queue_id, count(*) AS number FROM executions
    WHERE state = 'RUNNING' AND depth = 0 AND account_id IN (SELECT account_id FROM queues)
    GROUP BY account_id, {_QUEUE}
), room AS (
    SELECT queues.account_id, queues.queue_id,
        $1 - COALESCE((SELECT sum(number) FROM running WHERE account_id = queues.account_id), 0) AS in_account,
        (
            SELECT NULLIF(max_concurrent_executions, 0) FROM workflows WHERE parent_workflow_id = queues.queue_id
            ORDER BY state = 'ACTIVE' DESC, version_number DESC LIMIT 1
        ) - COALESCE(running.number, 0) AS in_queue
    FROM queues LEFT JOIN running USING (account_id, queue_id)
)
"""  # noqa: S608  # names of ours
_WAITING = f"""
{_ROOM}
SELECT account_id, bool_or(in_account > 0 AND COALESCE(in_queue > 0, true)) AS has_room FROM room
GROUP BY account_id ORDER BY has_room DESC, random() LIMIT $2
"""  # noqa: S608  # as above
_NEXT = f"""
{_ROOM}
SELECT first.execution_id FROM room CROSS JOIN LATERAL (
    SELECT execution_id, priority FROM executions
    WHERE state = 'PENDING' AND account_id = room.account_id AND {_QUEUE} = room.queue_id
    ORDER BY priority DESC, execution_id LIMIT GREATEST(LEAST(room.in_queue, $2), 0)
) AS first
ORDER BY first.priority DESC, first.execution_id
LIMIT GREATEST(LEAST((SELECT min(in_account) FROM room), $2), 0)
"""  # noqa: S608  # as above

_ANY = 2**31
"""The limit of an account that has none."""


async def accounts_waiting(connection: "system.Connection", limit: int, most: int) -> dict[UUID, bool]:
    """Return accounts in which executions wait, and whether one of them may begin; those first, in no order else."""
    rows = await connection.fetch(_WAITING, limit or _ANY, most)
    return {row["account_id"]: row["has_room"] for row in rows}


async def lock_queue(connection: Connection, account_id: UUID) -> None:
    """Let nobody else have executions of an account begin that wait, until the transaction ends."""
    await connection.execute(_LOCK, {"account_id": str(account_id)})


async def next_waiting(connection: Connection, limit: int, most: int) -> list[Execution]:
    """Return the executions of the account that are to begin now, held; the most urgent first, then the oldest."""
    rows = await connection.driver.fetch(_NEXT, limit or _ANY, most)
    statement = (
        select(*COLUMNS)
        .where(executions.c.execution_id.in_([row["execution_id"] for row in rows]))
        .where(executions.c.state == State.PENDING)
        .order_by(executions.c.priority.desc(), executions.c.execution_id)
        .with_for_update(skip_locked=True)
    )
    return [execution_of(dict(row)) for row in (await connection.execute(statement)).mappings()]


async def begin(connection: Connection, begun: Sequence[Execution]) -> None:
    """Let executions be claimed that waited; all of them began at once."""
    for each in begun[:1]:
        began = {"state": each.state, "start_time": each.start_time, "update_time": each.update_time}
        await connection.execute(
            update(executions)
            .where(executions.c.execution_id.in_([each.execution_id for each in begun]))
            .values(**began, version=executions.c.version + 1, wake_time=func.now())
        )
