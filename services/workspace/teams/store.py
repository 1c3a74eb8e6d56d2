"""Writes of teams, and reads by id."""

from uuid import UUID

import asyncpg
from sqlalchemy import delete, func, insert, select, text, update

from chassis import tables
from chassis.sql import Connection
from services.workspace.identity.errors import UserNotFound
from services.workspace.teams.domain import Invitee, Member, Role, Team
from services.workspace.teams.errors import HandleTaken, MemberAlreadyExists, MemberNotFound, TeamNotFound
from services.workspace.teams.tables import handles, members, teams

_LOCK_FOUNDER = text("SELECT pg_advisory_xact_lock(hashtextextended('teams:' || :user_id, 0))")


async def count_founded(connection: Connection, user_id: UUID) -> int:
    """Return how many teams there are that the acting person made, after making rivals that would make one wait."""
    await connection.execute(_LOCK_FOUNDER, {"user_id": str(user_id)})
    alive = select(func.count()).where(teams.c.founder_id == user_id, teams.c.delete_time.is_(None))
    return int((await connection.execute(alive)).scalar_one())


async def insert_team(connection: Connection, team: Team) -> None:
    """Store a new team. HandleTaken."""
    try:
        await connection.execute(insert(teams).values(**tables.row_of(team)))
    except asyncpg.UniqueViolationError as exc:
        if exc.constraint_name != "pk_handles":
            raise
        raise HandleTaken(team.handle) from exc


async def update_team(connection: Connection, team: Team) -> None:
    """Store a changed team."""
    await connection.execute(update(teams).where(teams.c.team_id == team.team_id).values(**tables.row_of(team)))


async def get_team(connection: Connection, team_id: UUID) -> Team:
    """Return a team of the account, or one to which the account's user belongs; a deleted one too. TeamNotFound."""
    has_members = teams.c.team_id.in_(select(members.c.team_id))  # that are seen: who made one may have left it
    row = (await connection.execute(select(teams).where(teams.c.team_id == team_id, has_members))).one_or_none()
    if row is None:
        raise TeamNotFound(team_id)
    return tables.to(Team, row)


async def lock_team(connection: Connection, team_id: UUID) -> Team:
    """Return the account's team, and hold its row: who belongs to it changes one at a time. TeamNotFound."""
    found = await connection.execute(select(teams).where(teams.c.team_id == team_id).with_for_update())
    row = found.one_or_none()
    if row is None or row.delete_time is not None:
        raise TeamNotFound(team_id)
    return tables.to(Team, row)


async def find_user(connection: Connection, invitee: Invitee) -> tuple[UUID, str]:
    """Return the id and the handle of a person. UserNotFound for anybody else, teams included."""
    known = handles.c.handle == invitee.handle
    if invitee.user_id is not None:
        known = handles.c.account_id == invitee.user_id
    row = (await connection.execute(select(handles).where(known, handles.c.kind == "USER"))).one_or_none()
    if row is None:
        raise UserNotFound(invitee.user_id or invitee.handle)
    return row.account_id, row.handle


async def insert_member(connection: Connection, member: Member) -> None:
    """Store a new member. MemberAlreadyExists."""
    try:
        await connection.execute(insert(members).values(**tables.row_of(member)))
    except asyncpg.UniqueViolationError as exc:
        if exc.constraint_name != "uq_members_user_id":
            raise
        raise MemberAlreadyExists(member.user_id) from exc


async def update_member(connection: Connection, member: Member) -> None:
    """Store a changed member."""
    statement = update(members).where(members.c.member_id == member.member_id)
    await connection.execute(statement.values(**tables.row_of(member)))


async def delete_member(connection: Connection, member: Member) -> None:
    """Forget a member."""
    await connection.execute(delete(members).where(members.c.member_id == member.member_id))


async def get_member(connection: Connection, member_id: UUID) -> Member:
    """Return a member of a team by the member's own id. MemberNotFound."""
    row = (await connection.execute(select(members).where(members.c.member_id == member_id))).one_or_none()
    if row is None:
        raise MemberNotFound(member_id)
    return tables.to(Member, row)


async def find_member(connection: Connection, team_id: UUID, user_id: UUID) -> Member:
    """Return the member of a team who a person is. MemberNotFound."""
    theirs = (members.c.team_id == team_id) & (members.c.user_id == user_id)
    row = (await connection.execute(select(members).where(theirs))).one_or_none()
    if row is None:
        raise MemberNotFound(user_id)
    return tables.to(Member, row)


async def count_owners(connection: Connection, team_id: UUID) -> int:
    """Return how many owners a team has."""
    owners = (members.c.team_id == team_id) & (members.c.role == Role.OWNER)
    return int((await connection.execute(select(func.count()).select_from(members).where(owners))).scalar_one())
