"""Rows of runners."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, insert, select, update

from chassis.database import Transaction
from chassis.samples import Count
from chassis.sql import Connection
from services.workspace.placement.tables import runners

LIVE_RUNNERS = Count(
    "stateroom_runners", "Runners not seen dead.", "SELECT count(*) FROM runners WHERE end_time IS NULL"
)


@dataclass(frozen=True, slots=True)
class RunnerRow:
    """A runner as it is remembered."""

    runner_id: UUID
    certificate: str


async def find_live_runner(connection: Connection, *, workspace_id: UUID) -> RunnerRow | None:
    """Return the runner of a workspace that has not been seen dead."""
    live = (runners.c.workspace_id == workspace_id) & runners.c.end_time.is_(None)
    columns = select(runners.c.runner_id, runners.c.certificate)
    row = (await connection.execute(columns.where(live))).one_or_none()
    return None if row is None else RunnerRow(row.runner_id, row.certificate)


async def replace_runner(tx: Transaction, row: RunnerRow, *, workspace_id: UUID, address: str) -> None:
    """Remember a new runner; the one before it is dead. Its address is empty where only the cluster knows it."""
    await end_runner(tx, workspace_id=workspace_id)
    await tx.connection.execute(
        insert(runners).values(
            runner_id=row.runner_id,
            account_id=tx.account_id,
            workspace_id=workspace_id,
            purpose="WORKSPACE",
            address=address,
            certificate=row.certificate,
            create_time=tx.now,
        )
    )


async def end_runner(tx: Transaction, *, workspace_id: UUID) -> None:
    """Remember that a workspace's runner is gone."""
    live = (runners.c.workspace_id == workspace_id) & runners.c.end_time.is_(None)
    await tx.connection.execute(update(runners).where(live).values(end_time=func.now()))
