"""Reads of teams."""

from uuid import UUID

from sqlalchemy import select

from chassis import tables
from chassis.sql import Connection
from services.workspace.teams import store
from services.workspace.teams.domain import Member, Team
from services.workspace.teams.errors import TeamNotFound
from services.workspace.teams.tables import members, teams


async def get_team(connection: Connection, *, team_id: UUID) -> Team:
    """Return the account's team, or one to which the account's user belongs. TeamNotFound."""
    return await store.get_team(connection, team_id)


async def list_teams(connection: Connection, *, user_id: UUID, limit: int, after: UUID | None) -> list[Team]:
    """Return the teams to which a user belongs, as far as the account shows them, newest first."""
    mine = select(members.c.team_id).where(members.c.user_id == user_id)
    statement = select(teams).where(teams.c.team_id.in_(mine), teams.c.delete_time.is_(None))
    if after is not None:
        statement = statement.where(teams.c.team_id < after)
    rows = await connection.execute(statement.order_by(teams.c.team_id.desc()).limit(limit))
    return [tables.to(Team, row) for row in rows]


async def list_members(
    connection: Connection, *, team_id: UUID, account_id: UUID, limit: int, after: UUID | None
) -> list[Member]:
    """Return who belongs to the account's team, first come first. TeamNotFound for any other one."""
    if team_id != account_id:
        raise TeamNotFound(team_id)
    statement = select(members).where(members.c.team_id == team_id)
    if after is not None:
        statement = statement.where(members.c.member_id > after)
    rows = await connection.execute(statement.order_by(members.c.member_id).limit(limit))
    return [tables.to(Member, row) for row in rows]
