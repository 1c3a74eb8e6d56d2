"""Rows of runners."""

from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from sqlalchemy import func, insert, select, update

from chassis.database import Transaction
from chassis.samples import Count
from chassis.sql import Connection
from services.workspace.placement.tables import runners

LIVE_RUNNERS = Count(
    "stateroom_runners", "Runners not seen dead.", "SELECT count(*) FROM runners WHERE end_time IS NULL"
)


class Purpose(Enum):
    """For what a runner lives. In one for a SAVE nobody works, and it does not outlast the save."""

    WORKSPACE = "WORKSPACE"
    SAVE = "SAVE"


@dataclass(frozen=True, slots=True)
class RunnerRow:
    """A runner as it is remembered."""

    runner_id: UUID
    certificate: str = ""
    purpose: Purpose = Purpose.WORKSPACE


async def find_live_runner(connection: Connection, *, workspace_id: UUID) -> RunnerRow | None:
    """Return the runner of a workspace that has not been seen dead."""
    live = (runners.c.workspace_id == workspace_id) & runners.c.end_time.is_(None)
    columns = (runners.c.runner_id, runners.c.certificate, runners.c.purpose)
    row = (await connection.execute(select(*columns).where(live))).one_or_none()
    return None if row is None else RunnerRow(row.runner_id, row.certificate, Purpose(row.purpose))


async def replace_runner(tx: Transaction, runner: RunnerRow, *, workspace_id: UUID, address: str) -> None:
    """Remember a new runner; the one before it is dead. Its address is empty where only the cluster knows it."""
    before = (runners.c.workspace_id == workspace_id) & runners.c.end_time.is_(None)
    await tx.connection.execute(update(runners).where(before).values(end_time=func.now()))
    await tx.connection.execute(
        insert(runners).values(
            runner_id=runner.runner_id,
            account_id=tx.account_id,
            workspace_id=workspace_id,
            purpose=runner.purpose.value,
            address=address,
            certificate=runner.certificate,
            create_time=tx.now,
        )
    )


async def end_runner(tx: Transaction, *, runner_id: UUID) -> None:
    """Remember that a runner is gone."""
    live = (runners.c.runner_id == runner_id) & runners.c.end_time.is_(None)
    await tx.connection.execute(update(runners).where(live).values(end_time=func.now()))
