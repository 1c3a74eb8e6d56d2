"""Changes of teams and of who belongs to them. All but the first hold the team's row: one comes after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis import etag as tags
from chassis import ids
from chassis.database import Transaction
from services.workspace.identity import operations as identity
from services.workspace.identity.errors import AccountNotAllowed
from services.workspace.teams import store
from services.workspace.teams.domain import Invitee, Member, Role, Team
from services.workspace.teams.errors import MemberNotFound, OwnAccountNeeded, TeamInUse, TeamLimitReached
from services.workspace.workspaces import store as workspaces


@dataclass(frozen=True, slots=True)
class Founding:
    """What a new team is to be called, and who belongs to it beside its founder."""

    handle: str
    display_name: str
    invitees: Sequence[Invitee]


async def create_team(tx: Transaction, *, founding: Founding, limit: int) -> Team:
    """Create a team, whose owner the caller is, in an account of its own.

    Raises:
        TeamLimitReached: the caller made as many as one may.
        OwnAccountNeeded: the caller acts in a team.
        HandleTaken: a user or a team has the handle.
        UserNotFound: nobody is called so.
        MemberAlreadyExists: somebody is named twice, or the caller.
    """
    founder = UUID(tx.actor.subject)
    if founder != tx.account_id:
        raise OwnAccountNeeded
    if await store.count_founded(tx.connection, founder) >= limit:
        raise TeamLimitReached(limit)
    team_id = ids.new()
    team = Team(
        team_id=team_id,
        account_id=team_id,
        founder_id=founder,
        handle=founding.handle,
        display_name=founding.display_name,
        chat_id=ids.new(),
        member_count=1 + len(founding.invitees),
        version=1,
        create_time=tx.now,
        update_time=tx.now,
        delete_time=None,
    )
    async with tx.within(team_id):
        await store.insert_team(tx.connection, team)
        tx.record("created", after=team)
        for invitee in (Invitee(founder, "", Role.OWNER), *founding.invitees):
            await _add(tx, team, invitee)
    return team


async def update_team(tx: Transaction, *, team_id: UUID, values: Mapping[str, object], etag: str) -> Team:
    """Give a team other values. TeamNotFound, EtagRequired, EtagMismatch, InvalidField."""
    current = await store.lock_team(tx.connection, team_id)
    tags.demand(current, etag)
    updated = current.update(tx.now, values)
    if updated is not current:
        await store.update_team(tx.connection, updated)
        tx.record("updated", before=current, after=updated)
    return updated


async def delete_team(tx: Transaction, *, team_id: UUID, etag: str) -> Team:
    """Delete a team that has no workspaces but deleted ones. What runs elsewhere in its account follows by event.

    TeamNotFound, EtagMismatch, TeamInUse.
    """
    current = await store.lock_team(tx.connection, team_id)
    tags.expect(current, etag)
    if kept := await workspaces.count_kept(tx.connection, team_id):
        raise TeamInUse(team_id, kept)
    deleted = current.delete(tx.now)
    await store.update_team(tx.connection, deleted)
    tx.record("deleted", before=current, after=deleted)
    return deleted


async def add_member(tx: Transaction, *, team_id: UUID, invitee: Invitee) -> Member:
    """Bring somebody in. TeamNotFound, UserNotFound, RoleTooHigh, MemberAlreadyExists, TeamFull."""
    team = await store.lock_team(tx.connection, team_id)
    (await _caller(tx, team_id)).expect_may_change(invitee.role)
    grown = team.with_members(1)
    member = await _add(tx, team, invitee)
    await store.update_team(tx.connection, grown)
    return member


async def update_member(
    tx: Transaction, *, team_id: UUID, user_id: UUID, values: Mapping[str, object], etag: str
) -> Member:
    """Give a member another role.

    Raises:
        TeamNotFound, MemberNotFound, EtagRequired, EtagMismatch: as their names say.
        InvalidField: the values are those of somebody else.
        RoleTooHigh: the old role or the new one is above the caller's.
        LastOwner: nobody else is one.
    """
    await store.lock_team(tx.connection, team_id)
    caller = await _caller(tx, team_id)
    current = await store.find_member(tx.connection, team_id, user_id)
    tags.demand(current, etag)
    updated = current.update(tx.now, values)
    for either in (current, updated):
        caller.expect_may_change(either.role)
    if updated is not current:
        current.expect_dispensable(await store.count_owners(tx.connection, team_id))
        await store.update_member(tx.connection, updated)
        tx.record("updated", before=current, after=updated)
    return updated


async def remove_member(tx: Transaction, *, team_id: UUID, user_id: UUID) -> Team:
    """Take somebody out, or oneself, and revoke the keys that they have made in the team. Returns the team.

    Raises:
        TeamNotFound, MemberNotFound: as their names say.
        RoleTooHigh: the member's role is above the caller's.
        LastOwner: nobody else is one.
    """
    team = await store.lock_team(tx.connection, team_id)
    caller = await _caller(tx, team_id)
    member = await store.find_member(tx.connection, team_id, user_id)
    caller.expect_may_change(member.role)
    member.expect_dispensable(await store.count_owners(tx.connection, team_id))
    await store.delete_member(tx.connection, member)  # waits for whoever makes a key as this member
    tx.record("removed", before=member)
    await identity.revoke_api_keys(tx, user_id=user_id)
    shrunk = team.with_members(-1)
    await store.update_team(tx.connection, shrunk)
    return shrunk


async def _caller(tx: Transaction, team_id: UUID) -> Member:
    """Return the caller's part as it is now; AccountNotAllowed for somebody who was taken out a moment ago."""
    try:
        return await store.find_member(tx.connection, team_id, UUID(tx.actor.subject))
    except MemberNotFound as exc:
        raise AccountNotAllowed(str(team_id)) from exc


async def _add(tx: Transaction, team: Team, invitee: Invitee) -> Member:
    user_id, handle = await store.find_user(tx.connection, invitee)
    member = Member(
        member_id=ids.new(),
        account_id=team.account_id,
        team_id=team.team_id,
        user_id=user_id,
        handle=handle,
        role=invitee.role,
        version=1,
        create_time=tx.now,
        update_time=tx.now,
    )
    await store.insert_member(tx.connection, member)
    tx.record("added", after=member)
    return member
