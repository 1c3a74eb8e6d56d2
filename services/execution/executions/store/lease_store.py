"""Executions as engines see them: claims, leases and checkpoints, of many accounts at once, in single statements.

Every statement of an owner compares the epoch of its lease with that of the row; a late one finds no row.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.changes import PendingChange
from services.execution.executions.domain import Execution, StepExecution
from services.execution.executions.store.execution_store import CHANNEL

if TYPE_CHECKING:
    from chassis.system import Connection

_CLAIM = """
WITH due AS (
    SELECT execution_id FROM executions WHERE wake_time <= now() AND state = 'RUNNING'
    ORDER BY wake_time LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
), claimed AS (
    UPDATE executions SET
        lease_epoch = lease_epoch + 1, engine_id = $1, wake_time = now() + make_interval(secs => $2),
        recoveries = recoveries + (engine_id IS NOT NULL)::int
    WHERE execution_id IN (SELECT execution_id FROM due) RETURNING *
)
SELECT claimed.*, coalesce(workflows.definition, agents.definition) AS workflow_definition
FROM claimed
LEFT JOIN workflows USING (account_id, workflow_id)
LEFT JOIN agents ON agents.account_id = claimed.account_id AND agents.agent_id = claimed.agent_id
"""
_STEPS = "SELECT * FROM step_executions WHERE execution_id = ANY($1) ORDER BY execution_id, sequence"
_NEXT = "SELECT extract(epoch FROM min(wake_time) - now())::float FROM executions WHERE state = 'RUNNING'"
_RENEW = """
WITH held AS (
    SELECT execution_id FROM unnest($1::uuid[], $2::bigint[]) AS wanted (execution_id, lease_epoch)
    JOIN executions USING (execution_id, lease_epoch)
    WHERE engine_id = $3 ORDER BY execution_id FOR NO KEY UPDATE OF executions
)
UPDATE executions SET wake_time = now() + make_interval(secs => $4)
FROM held WHERE executions.execution_id = held.execution_id RETURNING executions.execution_id, executions.rousals
"""
_RELEASE = """
UPDATE executions SET wake_time = now(), engine_id = NULL, rousals = rousals + 1
WHERE engine_id = $1 AND end_time IS NULL
"""
_ROUSE = """
UPDATE executions SET
    rousals = rousals + 1, wake_time = CASE WHEN engine_id IS NULL THEN now() ELSE wake_time END
WHERE execution_id = $1 AND end_time IS NULL
"""
_ORPHANS = """
SELECT child.account_id, child.execution_id
FROM executions AS child
JOIN executions AS parent ON parent.execution_id = child.parent_execution_id
LEFT JOIN step_executions AS step ON step.execution_id = child.parent_execution_id AND step.path = child.parent_path
WHERE child.parent_execution_id IS NOT NULL AND child.end_time IS NULL
    AND (parent.end_time IS NOT NULL OR step.end_time IS NOT NULL)
LIMIT $1
"""
_CHECKPOINT = f"""
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[],
        $9::timestamptz[], $10::timestamptz[], $28::bigint[]
    ) AS one (
        execution_id, lease_epoch, steps_completed, steps_failed, sequence, state, output, failure, end_time, wake_time,
        rousals
    )
), held AS MATERIALIZED (
    SELECT executions.execution_id, executions.account_id
    FROM wanted JOIN executions USING (execution_id, lease_epoch)
    WHERE executions.end_time IS NULL ORDER BY executions.execution_id FOR NO KEY UPDATE OF executions
), moved AS (
    UPDATE executions SET
        steps_completed = wanted.steps_completed, steps_failed = wanted.steps_failed, sequence = wanted.sequence,
        recoveries = 0, state = wanted.state, output = wanted.output::jsonb, failure = wanted.failure::jsonb,
        end_time = wanted.end_time, update_time = COALESCE(wanted.end_time, executions.update_time),
        version = executions.version + (wanted.end_time IS NOT NULL)::int,
        rousals_seen = wanted.rousals,
        wake_time = CASE
            WHEN wanted.end_time IS NOT NULL THEN NULL
            WHEN wanted.wake_time IS NULL THEN executions.wake_time
            WHEN executions.rousals > wanted.rousals THEN now()
            ELSE wanted.wake_time
        END,
        engine_id = CASE WHEN wanted.end_time IS NULL AND wanted.wake_time IS NULL THEN executions.engine_id END
    FROM wanted JOIN held USING (execution_id) WHERE executions.execution_id = held.execution_id
), stored AS (
    INSERT INTO step_executions (
        execution_id, account_id, path, key, type, state, attempt, sequence, progress, output, failure, start_time,
        end_time, wake_time
    )
    SELECT held.execution_id, held.account_id, step.path, step.key, step.type, step.state, step.attempt, step.sequence,
        step.progress::jsonb, step.output::jsonb, step.failure::jsonb, step.start_time, step.end_time, step.wake_time
    FROM unnest(
        $11::uuid[], $12::text[], $13::text[], $14::text[], $15::text[], $16::int[], $17::bigint[], $18::text[],
        $19::text[], $20::text[], $21::timestamptz[], $22::timestamptz[], $23::timestamptz[]
    ) AS step (
        execution_id, path, key, type, state, attempt, sequence, progress, output, failure, start_time, end_time,
        wake_time
    ) JOIN held USING (execution_id)
    ON CONFLICT (execution_id, path) DO UPDATE SET
        state = excluded.state, attempt = excluded.attempt, sequence = excluded.sequence, progress = excluded.progress,
        output = excluded.output, failure = excluded.failure, end_time = excluded.end_time,
        wake_time = excluded.wake_time
    WHERE step_executions.end_time IS NULL
), told AS (
    INSERT INTO outbox (account_id, header, salt, payload)
    SELECT held.account_id, change.header, change.salt, change.payload
    FROM unnest($24::uuid[], $25::bytea[], $26::bytea[], $27::bytea[]) AS change (execution_id, header, salt, payload)
    JOIN held USING (execution_id)
)
SELECT execution_id, pg_notify('{CHANNEL}', execution_id::text) FROM held
"""  # noqa: S608  # a name of ours

_JSON = ("definition", "workflow_definition", "input", "step_inputs", "progress", "output", "failure")


@dataclass(slots=True)
class Checkpoint:
    """What became of an execution since the last one.

    `execution` is as it is now, its end included. With a `wake_time` it is given back, to whoever claims it then, or
    at once if it was roused more often than its owner knew.
    """

    execution: Execution
    epoch: int
    steps: dict[str, StepExecution] = field(default_factory=dict)
    change: PendingChange | None = None
    wake_time: datetime | None = None
    rousals: int = 0


async def claim(connection: "Connection", engine_id: UUID, seconds: float, limit: int) -> list[dict[str, Any]]:
    """Own executions that are due for so many seconds; returns their rows, with their workflows' definitions."""
    return [_read(row) for row in await connection.fetch(_CLAIM, engine_id, seconds, limit)]


async def steps_of(connection: "Connection", execution_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return the rows of the steps of executions."""
    return [_read(row) for row in await connection.fetch(_STEPS, list(execution_ids))]


async def next_due(connection: "Connection") -> float | None:
    """Return in how many seconds the next execution is due; None when there is none."""
    seconds: float | None = await connection.fetchval(_NEXT)
    return seconds


async def renew(connection: "Connection", engine_id: UUID, epochs: dict[UUID, int], seconds: float) -> dict[UUID, int]:
    """Own executions for so many seconds more; returns how often each was roused that this engine still owns."""
    rows = await connection.fetch(_RENEW, list(epochs), list(epochs.values()), engine_id, seconds)
    return {row["execution_id"]: row["rousals"] for row in rows}


async def release(connection: "Connection", engine_id: UUID) -> None:
    """Let others own at once what an engine owns, which stops."""
    await connection.execute(_RELEASE, engine_id)


async def rouse(connection: "Connection", execution_id: UUID) -> None:
    """Have the steps of an execution that wait for something look for it."""
    await connection.execute(_ROUSE, execution_id)


async def orphans(connection: "Connection", limit: int) -> list[tuple[UUID, UUID]]:
    """Return executions whose parent waits for them no more, each with its account."""
    return [(row["account_id"], row["execution_id"]) for row in await connection.fetch(_ORPHANS, limit)]


async def store(connection: "Connection", checkpoints: Sequence[Checkpoint]) -> set[UUID]:
    """Store checkpoints, at most one of each execution; returns the executions whose lease was still the newest."""
    rousals = [each.rousals for each in checkpoints]
    columns = (*_executions(checkpoints), *_steps(checkpoints), *_changes(checkpoints), rousals)
    rows = await connection.fetch(_CHECKPOINT, *columns)
    return {row["execution_id"] for row in rows}


def _executions(checkpoints: Sequence[Checkpoint]) -> list[list[Any]]:
    return _columns(
        10,
        (
            (
                each.execution.execution_id,
                each.epoch,
                each.execution.steps_completed,
                each.execution.steps_failed,
                each.execution.sequence,
                each.execution.state.name,
                _json(each.execution.output),
                None if each.execution.failure is None else json.dumps(asdict(each.execution.failure)),
                each.execution.end_time,
                each.wake_time,
            )
            for each in checkpoints
        ),
    )


def _steps(checkpoints: Sequence[Checkpoint]) -> list[list[Any]]:
    return _columns(
        13,
        (
            (
                each.execution.execution_id,
                step.path,
                step.key,
                step.type.name,
                step.state.name,
                step.attempt,
                step.sequence,
                _json(step.progress),
                _json(step.output),
                None if step.failure is None else json.dumps(asdict(step.failure)),
                step.start_time,
                step.end_time,
                step.wake_time,
            )
            for each in checkpoints
            for step in each.steps.values()
        ),
    )


def _changes(checkpoints: Sequence[Checkpoint]) -> list[list[Any]]:
    return _columns(
        4,
        (
            (each.execution.execution_id, each.change.header, os.urandom(16), each.change.payload)
            for each in checkpoints
            if each.change is not None
        ),
    )


def _columns(count: int, rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its JSON read, which the driver leaves as text."""
    values = dict(row)
    return values | {name: json.loads(values[name]) for name in _JSON if values.get(name) is not None}


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)
