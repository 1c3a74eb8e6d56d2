"""Lines as engines write them: those of many executions in one statement, which compares the epochs of their leases."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from services.execution.executions.store.execution_store import CHANNEL
from services.execution.logs.domain import Line

if TYPE_CHECKING:
    from chassis.system import Connection

_APPEND = f"""
WITH said AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::bigint[], $3::text[], $4::int[], $5::smallint[], $6::text[], $7::timestamptz[]
    ) WITH ORDINALITY AS line (execution_id, lease_epoch, path, attempt, level, message, log_time, number)
), held AS MATERIALIZED (
    SELECT executions.execution_id, executions.account_id, executions.lease_epoch
    FROM executions JOIN (SELECT DISTINCT execution_id, lease_epoch FROM said) AS writer
        USING (execution_id, lease_epoch)
    WHERE executions.end_time IS NULL ORDER BY executions.execution_id FOR NO KEY UPDATE OF executions
), appended AS (
    INSERT INTO execution_logs (execution_id, position, account_id, path, attempt, level, message, log_time)
    SELECT said.execution_id,
        COALESCE((SELECT max(position) FROM execution_logs AS old WHERE old.execution_id = said.execution_id), 0)
            + sum(length(said.message) + 1) OVER (PARTITION BY said.execution_id ORDER BY said.number),
        held.account_id, said.path, said.attempt, said.level, said.message, said.log_time
    FROM said JOIN held USING (execution_id, lease_epoch)
    RETURNING execution_id, position
)
SELECT execution_id, max(position) AS position, pg_notify('{CHANNEL}', execution_id::text)
FROM appended GROUP BY execution_id
"""  # noqa: S608  # a name of ours


@dataclass(frozen=True, slots=True)
class Said:
    """A line, and as owner of which execution it was written."""

    execution_id: UUID
    epoch: int
    line: Line


async def append(connection: "Connection", said: Sequence[Said]) -> dict[UUID, int]:
    """Store lines of executions whose lease is still the newest; returns where the log of each ends now."""
    columns = zip(
        *(
            (
                each.execution_id,
                each.epoch,
                each.line.path,
                each.line.attempt,
                each.line.level,
                each.line.message,
                each.line.log_time,
            )
            for each in said
        ),
        strict=True,
    )
    rows = await connection.fetch(_APPEND, *map(list, columns))
    return {row["execution_id"]: row["position"] for row in rows}
