"""Rows of runners."""

from dataclasses import dataclass
from datetime import datetime
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


_ENDED = {"end_time": func.now(), "reconcile_time": None}


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


async def find_workspace(connection: Connection, *, runner_id: UUID) -> UUID | None:
    """Return the workspace of a runner that has not been seen dead."""
    live = (runners.c.runner_id == runner_id) & runners.c.end_time.is_(None)
    row = (await connection.execute(select(runners.c.workspace_id).where(live))).one_or_none()
    return None if row is None else row.workspace_id


async def replace_runner(
    tx: Transaction, runner: RunnerRow, *, workspace_id: UUID, address: str, look_time: datetime | None
) -> None:
    """Remember a new runner; the one before it is dead.

    Args:
        tx: of the workspace's account.
        runner: what is remembered of it.
        workspace_id: whose room it lives in.
        address: where it serves; empty where only the cluster knows it.
        look_time: when to see whether anybody uses it; None for never.
    """
    before = (runners.c.workspace_id == workspace_id) & runners.c.end_time.is_(None)
    await tx.connection.execute(update(runners).where(before).values(_ENDED))
    await tx.connection.execute(
        insert(runners).values(
            runner_id=runner.runner_id,
            account_id=tx.account_id,
            workspace_id=workspace_id,
            purpose=runner.purpose.value,
            address=address,
            certificate=runner.certificate,
            create_time=tx.now,
            reconcile_time=look_time,
            reconcile_epoch=0,
        )
    )


async def end_runner(tx: Transaction, *, runner_id: UUID) -> None:
    """Remember that a runner is gone."""
    live = (runners.c.runner_id == runner_id) & runners.c.end_time.is_(None)
    await tx.connection.execute(update(runners).where(live).values(_ENDED))


async def note_use(tx: Transaction, *, runner_id: UUID, look_time: datetime) -> None:
    """Put off the look at a runner, because somebody needs it. A look that is under way does not put it off again."""
    looked_at = (runners.c.runner_id == runner_id) & runners.c.reconcile_time.is_not(None)
    later = {"reconcile_time": look_time, "reconcile_epoch": runners.c.reconcile_epoch + 1}
    await tx.connection.execute(update(runners).where(looked_at).values(later))
