"""Writes of previews and passes, and reads by id."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, text, update

from chassis import tables
from chassis.rpc.credential import Credential
from chassis.sql import Connection
from services.session.previews.domain import Preview, State
from services.session.previews.errors import PreviewNotFound
from services.session.previews.tables import passes, previews

_COLUMNS = [previews.c[field.name] for field in fields(Preview)]

Driver = Any
"""asyncpg's connection, from the system's pool."""

_RUNNING = """
SELECT preview_id FROM previews WHERE workspace_id = $1 AND state <> 'STOPPED' AND start_time <= $2 ORDER BY preview_id
"""
_REDEEM = """
UPDATE preview_passes SET secret_sha256 = $4, redeemed = true, expire_time = $5
WHERE pass_id = $1 AND preview_id = $2 AND secret_sha256 = $3 AND NOT redeemed AND expire_time > now()
RETURNING pass_id
"""
_HOLDER = "SELECT account_id, credential_id, subject FROM preview_passes WHERE pass_id = $1 AND preview_id = $2"
_FIND = """
SELECT account_id, credential_id FROM preview_passes
WHERE pass_id = $1 AND preview_id = $2 AND secret_sha256 = $3 AND redeemed AND expire_time > now()
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who asked for a ticket, in which account and with which credential."""

    account_id: UUID
    credential_id: UUID
    subject: str


def selected() -> Select[tuple[object, ...]]:
    """Return the statement that reads previews."""
    return select(*_COLUMNS)


async def insert_preview(connection: Connection, preview: Preview, *, due: datetime) -> None:
    """Store a new preview."""
    await connection.execute(insert(previews).values(**tables.row_of(preview), reconcile_time=due))


async def update_preview(connection: Connection, preview: Preview, *, due: datetime | None) -> None:
    """Store a changed preview; `due` is when the reconciler looks at it next. Claims of before are void."""
    statement = update(previews).where(previews.c.preview_id == preview.preview_id)
    reconcile = {
        "reconcile_time": None if preview.state is State.STOPPED else due,
        "reconcile_epoch": previews.c.reconcile_epoch + 1,
        "reconcile_attempts": 0,
    }
    await connection.execute(statement.values(**tables.row_of(preview), **reconcile))


async def note_visit(connection: Connection, preview_id: UUID) -> None:
    """Store that somebody is connected to a preview now."""
    await connection.execute(update(previews).where(previews.c.preview_id == preview_id).values(visit_time=func.now()))


async def load_preview(connection: Connection, preview_id: UUID) -> Preview:
    """Return a preview of the account, a deleted one too. PreviewNotFound."""
    return await _preview(connection, selected().where(previews.c.preview_id == preview_id), preview_id)


async def get_preview(connection: Connection, preview_id: UUID) -> Preview:
    """Return a preview of the account. PreviewNotFound."""
    statement = selected().where(previews.c.preview_id == preview_id, previews.c.delete_time.is_(None))
    return await _preview(connection, statement, preview_id)


async def lock_preview(connection: Connection, preview_id: UUID) -> Preview:
    """Return a preview of the account and hold its row until the transaction ends. PreviewNotFound."""
    statement = selected().where(previews.c.preview_id == preview_id, previews.c.delete_time.is_(None))
    return await _preview(connection, statement.with_for_update(), preview_id)


async def count_previews(connection: Connection, account_id: UUID) -> int:
    """Return how many previews the account has; rivals that count wait until this transaction ends."""
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended('previews ' || :account_id, 0))")
    await connection.execute(lock, {"account_id": str(account_id)})
    kept = (previews.c.account_id == account_id) & previews.c.delete_time.is_(None)
    return int((await connection.execute(select(func.count()).where(kept))).scalar_one())


async def insert_ticket(connection: Connection, preview: Preview, ticket: Credential, holder: Holder) -> datetime:
    """Store a pass that is not redeemed yet. Returns when the ticket expires."""
    values = {
        "pass_id": ticket.credential_id,
        "account_id": preview.account_id,
        "preview_id": preview.preview_id,
        "credential_id": holder.credential_id,
        "subject": holder.subject,
        "secret_sha256": ticket.secret_sha256,
        "redeemed": False,
        "expire_time": text("now() + interval '30 seconds'"),
    }
    statement = insert(passes).values(**values).returning(passes.c.expire_time)
    expire_time: datetime = (await connection.execute(statement)).scalar_one()
    return expire_time


async def delete_passes(connection: Connection, preview_id: UUID) -> None:
    """Forget all passes of a preview."""
    await connection.execute(delete(passes).where(passes.c.preview_id == preview_id))


async def running_previews(driver: Driver, workspace_id: UUID, then: datetime) -> list[UUID]:
    """Return the previews of a workspace that were started before an instant and are not stopped."""
    return [row["preview_id"] for row in await driver.fetch(_RUNNING, workspace_id, then)]


async def redeem(driver: Driver, preview_id: UUID, ticket: Credential, made: Credential, until: datetime) -> bool:
    """Make a ticket a pass with another secret; False when it is none of this preview, was redeemed or is over."""
    row = await driver.fetchrow(
        _REDEEM, ticket.credential_id, preview_id, ticket.secret_sha256, made.secret_sha256, until
    )
    return row is not None


async def find_holder(driver: Driver, preview_id: UUID, ticket: Credential) -> Holder | None:
    """Return for whom a ticket was made, or a pass, whether it works or not."""
    row = await driver.fetchrow(_HOLDER, ticket.credential_id, preview_id)
    return None if row is None else Holder(**dict(row))


async def find_pass(driver: Driver, preview_id: UUID, shown: Credential) -> tuple[UUID, UUID] | None:
    """Return account and credential of whoever a pass for a preview was made for; None when it is none."""
    row = await driver.fetchrow(_FIND, shown.credential_id, preview_id, shown.secret_sha256)
    return None if row is None else (row["account_id"], row["credential_id"])


async def _preview(connection: Connection, statement: Select[tuple[object, ...]], preview_id: UUID) -> Preview:
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise PreviewNotFound(preview_id)
    return tables.to(Preview, row)
