"""Policies, and what is known of the work in sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, exists, func, insert, select, update

from chassis import tables
from chassis.sql import Connection
from services.session.agents.domain import PermissionState
from services.session.agents.tables import permissions
from services.session.idleness.domain import IdlePolicy, Watched
from services.session.idleness.tables import idle_policies
from services.session.sessions.tables import heads, idleness, sessions


async def find_policy(connection: Connection, account_id: UUID) -> IdlePolicy | None:
    """Return the policy that an account gave itself, if it did."""
    row = (
        await connection.execute(select(idle_policies).where(idle_policies.c.account_id == account_id))
    ).one_or_none()
    return None if row is None else tables.to(IdlePolicy, row)


async def get_policy(connection: Connection, idle_policy_id: UUID) -> IdlePolicy:
    """Return a policy of the account by its id."""
    statement = select(idle_policies).where(idle_policies.c.idle_policy_id == idle_policy_id)
    return tables.to(IdlePolicy, (await connection.execute(statement)).one())


async def lock_policies(connection: Connection, account_id: UUID) -> None:
    """Have whoever else changes the account's policy wait until this transaction ends."""
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"idle policy {account_id}", 0))))


async def insert_policy(connection: Connection, policy: IdlePolicy) -> None:
    """Store the first policy of an account."""
    await connection.execute(insert(idle_policies).values(tables.row_of(policy)))


async def update_policy(connection: Connection, policy: IdlePolicy) -> None:
    """Store a changed policy."""
    statement = update(idle_policies).where(idle_policies.c.idle_policy_id == policy.idle_policy_id)
    await connection.execute(statement.values(tables.row_of(policy)))


async def look_again(connection: Connection, now: datetime) -> None:
    """Have all sessions of the account that live looked at now; what is being done about them is void."""
    due = {"reconcile_time": now, "reconcile_epoch": idleness.c.reconcile_epoch + 1, "reconcile_attempts": 0}
    await connection.execute(update(idleness).values(**due))


async def find_watched(connection: Connection, session_id: UUID) -> Watched | None:
    """Return what is known of a session that lives; None when it has ended."""
    row = (await connection.execute(watched().where(sessions.c.session_id == session_id))).one_or_none()
    return None if row is None else tables.to(Watched, row)


def watched() -> Select[tuple[object, ...]]:
    """Return the statement that reads what is known of the sessions of an account that live."""
    of_session = (sessions.c.session_id, sessions.c.workspace_id, sessions.c.kind, sessions.c.state)
    ending = sessions.c.stop_request.is_not(None).label("ending")
    known = (heads.c.last_activity_time, idleness.c.cpu_milliseconds, idleness.c.cpu_time)
    return (
        select(*of_session, ending, *known)
        .join(idleness, idleness.c.session_id == sessions.c.session_id)
        .join(heads, heads.c.session_id == sessions.c.session_id)
        .where(sessions.c.end_time.is_(None))
    )


async def waits_for_answer(connection: Connection, session_id: UUID) -> bool:
    """Return whether the agent of a session asked something that nobody has answered yet."""
    asked = exists().where(permissions.c.session_id == session_id, permissions.c.state == PermissionState.PENDING)
    return bool((await connection.execute(select(asked))).scalar_one())


async def note_cpu(connection: Connection, session_id: UUID, cpu_milliseconds: int, cpu_time: datetime) -> None:
    """Note what processor time a session has used, and at which look that had changed."""
    statement = update(idleness).where(idleness.c.session_id == session_id)
    await connection.execute(statement.values(cpu_milliseconds=cpu_milliseconds, cpu_time=cpu_time))
