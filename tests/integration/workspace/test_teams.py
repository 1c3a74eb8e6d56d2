"""Teams: who belongs to them, what their roles may do, and how soon a change of that counts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf.field_mask_pb2 import FieldMask
from stateroom.api.v1 import policy_pb2
from stateroom.event.v1.change_pb2 import ChangeHeader
from stateroom.session.v1 import chat_service_pb2
from stateroom.session.v1.chat_service_pb2_grpc import ChatServiceStub
from stateroom.workspace.v1 import credential_service_pb2, file_requests_pb2, team_pb2
from stateroom.workspace.v1 import identity_service_pb2 as identity
from stateroom.workspace.v1 import team_service_pb2 as pb
from stateroom.workspace.v1.credential_service_pb2_grpc import CredentialServiceStub
from stateroom.workspace.v1.file_service_pb2_grpc import FileServiceStub

from chassis import ids
from chassis.rpc.tokens import TokenSigner
from embedded import keys
from tests.support import waiting
from tests.support.people import Person, connected, newcomer, sign_up_request
from tests.support.product import Product
from tests.support.refusals import Refusal, refused
from tests.support.source import query
from tests.support.teams import ROLES, Crew, create_team, crew, member, teams

_DENIED = grpc.StatusCode.PERMISSION_DENIED


@pytest_asyncio.fixture(name="crew")
async def _crew(shared_product: Product) -> AsyncIterator[Crew]:
    """Return a team with one member of each role."""
    async with crew(shared_product) as made:
        yield made


async def _members(crew: Crew) -> dict[str, str]:
    """Return the roles of the members by their ids."""
    request = pb.ListMembersRequest(team_id=crew.team_id)
    listed = await crew.call("VIEWER", "ListMembers", request)
    return {each.user_id: policy_pb2.Role.Name(each.role) for each in listed.members}


def _update(crew: Crew, whose: str, role: str, etag: str = "*") -> pb.UpdateMemberRequest:
    changed = team_pb2.Member(role=policy_pb2.Role.Value(role))
    return pb.UpdateMemberRequest(team_id=crew.team_id, user_id=crew.people[whose].user_id, member=changed, etag=etag)


def _remove(crew: Crew, whose: str) -> pb.RemoveMemberRequest:
    return pb.RemoveMemberRequest(team_id=crew.team_id, user_id=crew.people[whose].user_id)


async def test_create_team_with_members_shows_it_to_each_of_them_and_to_nobody_else(crew: Crew, person: Person) -> None:
    """From their own accounts they see that it exists; what is in it, and who, they see acting in it."""
    assert crew.team.member_count == len(ROLES)
    assert crew.team.chat_id
    for one in crew.people.values():
        listed = await teams(one).ListTeams(pb.ListTeamsRequest(), metadata=one.metadata)
        assert [team.team_id for team in listed.teams] == [crew.team_id]
    asked = pb.GetTeamRequest(team_id=crew.team_id)
    assert await teams(crew.people["AUDITOR"]).GetTeam(asked, metadata=crew.people["AUDITOR"].metadata) == crew.team
    assert await _members(crew) == {one.user_id: role for role, one in crew.people.items()}
    assert not (await teams(person).ListTeams(pb.ListTeamsRequest(), metadata=person.metadata)).teams
    assert (await refused(teams(person).GetTeam(asked, metadata=person.metadata))).reason == "TEAM_NOT_FOUND"


async def test_room_of_a_team_belongs_to_its_members_in_the_team_only(crew: Crew) -> None:
    """One makes it, the others see it there, and nobody in their own account."""
    room = await crew.acting("MEMBER").create_room()
    assert [seen.workspace_id for seen in await crew.acting("VIEWER").list_rooms()] == [room.workspace_id]
    assert await crew.people["MEMBER"].list_rooms() == []
    refusal = await refused(crew.acting("VIEWER").create_room())
    assert (refusal.code, refusal.reason) == (_DENIED, "ROLE_TOO_LOW")


async def test_create_team_again_with_one_request_id_makes_one_team(person: Person) -> None:
    """Whether the repetition comes later or at the same time."""
    handle, request_id = f"t{ids.new().hex}", str(ids.new())
    made = await asyncio.gather(*(create_team(person, handle=handle, request_id=request_id) for _ in range(3)))
    assert {team.team_id for team in made} == {
        (await create_team(person, handle=handle, request_id=request_id)).team_id
    }
    listed = await teams(person).ListTeams(pb.ListTeamsRequest(), metadata=person.metadata)
    assert [team.handle for team in listed.teams] == [handle]


async def test_create_team_from_within_a_team_is_refused(crew: Crew) -> None:
    """A team is made by a person, in whose own account the request id lies."""
    refusal = await refused(create_team(crew.acting("OWNER")))
    assert (refusal.code, refusal.reason) == (_DENIED, "OWN_ACCOUNT_NEEDED")


async def test_handle_of_a_user_or_a_team_is_taken_for_both(person: Person) -> None:
    """Users and teams have one namespace, and a refused team leaves nothing behind."""
    me = await person.keys.GetCurrentUser(identity.GetCurrentUserRequest(), metadata=person.metadata)
    team = await create_team(person)
    for handle in (me.handle, team.handle):
        refusal = await refused(create_team(person, handle=handle))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "HANDLE_TAKEN")
    refusal = await refused(person.keys.CreateUser(sign_up_request(team.handle)))
    assert (refusal.reason, refusal.values) == ("USER_ALREADY_EXISTS", {"field": "handle"})
    rows = await query(
        person.product.installation.url("workspace_system"),
        "SELECT team_id FROM members WHERE user_id = $1",
        person.user_id,
    )
    assert [str(row["team_id"]) for row in rows] == [team.team_id]


async def test_add_member_by_handle_or_id_brings_in_people_only(crew: Crew, person: Person) -> None:
    """Neither somebody unknown, nor a team, nor somebody who is there already."""
    me = await person.keys.GetCurrentUser(identity.GetCurrentUserRequest(), metadata=person.metadata)
    for named, reason in (
        (team_pb2.Member(user_id=str(ids.new())), "USER_NOT_FOUND"),
        (team_pb2.Member(handle=crew.team.handle), "USER_NOT_FOUND"),
        (team_pb2.Member(user_id=crew.people["VIEWER"].user_id), "MEMBER_ALREADY_EXISTS"),
        (team_pb2.Member(), "INVALID_FIELD"),
        (team_pb2.Member(handle=me.handle, user_id=me.user_id), "INVALID_FIELD"),
    ):
        named.role = policy_pb2.MEMBER
        request = pb.AddMemberRequest(team_id=crew.team_id, member=named)
        assert (await refused(crew.call("ADMIN", "AddMember", request))).reason == reason
    wanted = team_pb2.Member(handle=me.handle, role=policy_pb2.MEMBER)
    added = await crew.call("ADMIN", "AddMember", pb.AddMemberRequest(team_id=crew.team_id, member=wanted))
    assert (added.user_id, added.handle) == (me.user_id, me.handle)
    assert await person.acting_in(crew.team_id).list_rooms() == []


async def test_role_above_ones_own_is_neither_given_nor_taken(crew: Crew, person: Person) -> None:
    """An admin makes no owner, and neither demotes nor removes one."""
    new_owner = pb.AddMemberRequest(team_id=crew.team_id, member=member(person, "OWNER"))
    for method, request in (
        ("AddMember", new_owner),
        ("UpdateMember", _update(crew, "MEMBER", "OWNER")),
        ("UpdateMember", _update(crew, "OWNER", "MEMBER")),
        ("RemoveMember", _remove(crew, "OWNER")),
    ):
        refusal = await refused(crew.call("ADMIN", method, request))
        assert (refusal.code, refusal.values) == (_DENIED, {"role": "OWNER", "own": "ADMIN"})
    assert sorted((await _members(crew)).values()) == sorted(ROLES)


async def test_last_owner_is_neither_demoted_nor_removed_and_does_not_leave(crew: Crew) -> None:
    """A team always has an owner; with a second one, the first may go."""
    leave = pb.LeaveTeamRequest(team_id=crew.team_id)
    attempts = (
        ("UpdateMember", _update(crew, "OWNER", "ADMIN")),
        ("RemoveMember", _remove(crew, "OWNER")),
        ("LeaveTeam", leave),
    )
    for method, request in attempts:
        refusal = await refused(crew.call("OWNER", method, request))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LAST_OWNER")
    await crew.call("OWNER", "UpdateMember", _update(crew, "ADMIN", "OWNER"))
    assert (await crew.call("OWNER", "LeaveTeam", leave)).member_count == len(ROLES) - 1
    assert list((await _members(crew)).values()).count("OWNER") == 1


@pytest.mark.parametrize("method", ["UpdateMember", "RemoveMember", "LeaveTeam"])
async def test_two_owners_who_put_an_end_to_each_other_leave_one(crew: Crew, method: str) -> None:
    """One of them comes first, and the other is none any more, or is the last."""
    await crew.call("OWNER", "UpdateMember", _update(crew, "ADMIN", "OWNER"))
    by_owner, by_admin = {
        "UpdateMember": (_update(crew, "ADMIN", "VIEWER"), _update(crew, "OWNER", "VIEWER")),
        "RemoveMember": (_remove(crew, "ADMIN"), _remove(crew, "OWNER")),
        "LeaveTeam": (pb.LeaveTeamRequest(team_id=crew.team_id), pb.LeaveTeamRequest(team_id=crew.team_id)),
    }[method]
    results = await asyncio.gather(
        crew.call("OWNER", method, by_owner), crew.call("ADMIN", method, by_admin), return_exceptions=True
    )
    assert [isinstance(result, grpc.aio.AioRpcError) for result in results].count(True) == 1
    roles = await query(
        crew.people["OWNER"].product.installation.url("workspace_system"),
        "SELECT role FROM members WHERE team_id = $1",
        crew.team_id,
    )
    assert [row["role"] for row in roles].count("OWNER") == 1


async def test_update_member_takes_the_version_that_was_read_and_nothing_but_the_role(crew: Crew) -> None:
    """A role that somebody has changed meanwhile is not overwritten; who a member is never changes."""
    first = await crew.call("ADMIN", "UpdateMember", _update(crew, "VIEWER", "MEMBER", etag='"1"'))
    assert (first.etag, first.role) == ('"2"', policy_pb2.MEMBER)
    assert (await refused(crew.call("ADMIN", "UpdateMember", _update(crew, "VIEWER", "ADMIN", etag='"1"')))).reason == (
        "ETAG_MISMATCH"
    )
    other = _update(crew, "VIEWER", "VIEWER")
    other.member.handle = "another"
    other.update_mask.CopyFrom(FieldMask(paths=["handle"]))
    assert (await refused(crew.call("ADMIN", "UpdateMember", other))).fields == ("member.handle",)


async def test_account_of_a_team_answers_strangers_as_one_that_does_not_exist(crew: Crew, person: Person) -> None:
    """Whether the team is there, was deleted, or never was."""
    deleted = await create_team(person)
    await teams(person).DeleteTeam(
        pb.DeleteTeamRequest(team_id=deleted.team_id), metadata=person.acting_in(deleted.team_id).metadata
    )
    async with newcomer(person.product) as stranger:
        answers = set()
        for account in (crew.team_id, deleted.team_id, str(ids.new())):
            refusal = await refused(stranger.acting_in(account).list_rooms())
            answers.add(repr(refusal).replace(account, "<account>"))
    assert len(answers) == 1
    assert "ACCOUNT_NOT_ALLOWED" in answers.pop()


async def test_key_made_in_a_team_acts_there_alone_and_ends_with_its_makers_membership(crew: Crew) -> None:
    """It needs no header; neither its maker's own account nor another team is open to it; removal revokes it."""
    owner, maker = crew.people["OWNER"], crew.acting("MEMBER")
    made = await maker.create_key()
    working = maker.with_key(made).acting_in("")
    room = await working.create_room()
    assert [seen.workspace_id for seen in await maker.list_rooms()] == [room.workspace_id]
    other = await create_team(crew.people["MEMBER"])
    for account in (maker.user_id, other.team_id):
        assert (await refused(working.acting_in(account).list_rooms())).reason == "ACCOUNT_NOT_ALLOWED"
    await crew.call("OWNER", "RemoveMember", _remove(crew, "MEMBER"))
    again = pb.AddMemberRequest(team_id=crew.team_id, member=member(maker, "MEMBER"))
    await teams(owner).AddMember(again, metadata=crew.acting("OWNER").metadata)
    asked = identity.GetApiKeyRequest(api_key_id=made.api_key.api_key_id)
    assert (await maker.keys.GetApiKey(asked, metadata=maker.metadata)).state == identity.ApiKey.REVOKED


async def test_key_made_in_a_team_by_a_revoked_key_of_ones_own_account_is_refused(crew: Crew) -> None:
    """The seconds in which a revoked key is still believed are not enough to make another one, in a team neither."""
    created = await crew.people["MEMBER"].create_key()
    stolen = crew.people["MEMBER"].with_key(created).acting_in(crew.team_id)
    await stolen.list_rooms()
    revoke = identity.RevokeApiKeyRequest(api_key_id=created.api_key.api_key_id)
    await crew.people["MEMBER"].keys.RevokeApiKey(revoke, metadata=crew.people["MEMBER"].metadata)
    assert (await refused(stolen.create_key())).reason == "CREDENTIAL_INVALID"


async def test_member_who_makes_keys_while_being_removed_keeps_none(crew: Crew) -> None:
    """What was exchanged before the removal is believed for some seconds, but makes no key that outlives it."""
    maker = crew.acting("MEMBER")
    await maker.list_rooms()
    made: list[identity.CreateApiKeyResponse] = []

    async def make() -> None:
        with suppress(grpc.aio.AioRpcError):
            while True:
                made.append(await maker.create_key())

    async with asyncio.TaskGroup() as group:
        group.create_task(make())
        await crew.call("OWNER", "RemoveMember", _remove(crew, "MEMBER"))
    url = maker.product.installation.url("workspace_system")
    kept = await query(url, "SELECT state FROM api_keys WHERE account_id = $1", crew.team_id)
    assert len(kept) == len(made)
    assert {row["state"] for row in kept} <= {"REVOKED"}


async def test_member_who_was_removed_or_demoted_is_refused_soon_and_loses_open_streams(crew: Crew) -> None:
    """What was exchanged before is believed for some seconds; streams end by themselves."""
    person = crew.acting("MEMBER")
    room = await person.ready_room()
    async with asyncio.TaskGroup() as group:
        removed, demoted = (
            group.create_task(_end_of_stream(crew.acting(role), room.workspace_id)) for role in ("MEMBER", "VIEWER")
        )
        await crew.call("OWNER", "RemoveMember", _remove(crew, "MEMBER"))
        await crew.call("OWNER", "UpdateMember", _update(crew, "VIEWER", "AUDITOR"))
        await waiting.until(lambda: _is_refused(person))
    assert removed.result().reason == "ACCOUNT_NOT_ALLOWED"
    assert demoted.result().reason == "ROLE_TOO_LOW"


async def _end_of_stream(person: Person, workspace_id: str) -> Refusal:
    """Follow the files of a room until that is refused."""
    request = file_requests_pb2.WatchFilesRequest(workspace_id=workspace_id)
    return await refused(FileServiceStub(person.channel).WatchFiles(request, metadata=person.metadata))


async def _is_refused(person: Person) -> bool:
    try:
        await person.list_rooms()
    except grpc.aio.AioRpcError as error:
        return error.code() is _DENIED
    return False


async def test_delete_team_with_a_workspace_is_refused_and_without_one_closes_the_account(crew: Crew) -> None:
    """What a team has is not taken from its members by the way; afterwards nothing new begins in it."""
    room = await crew.acting("MEMBER").create_room()
    delete = pb.DeleteTeamRequest(team_id=crew.team_id)
    refusal = await refused(crew.call("OWNER", "DeleteTeam", delete))
    assert (refusal.reason, refusal.values["workspaces"]) == ("TEAM_IN_USE", "1")
    await crew.acting("MEMBER").delete_room(room, force=True)
    assert (await crew.call("OWNER", "DeleteTeam", delete)).HasField("delete_time")
    assert (await refused(crew.acting("MEMBER").create_room())).reason == "ACCOUNT_NOT_ALLOWED"
    owner = crew.people["OWNER"]
    assert not (await teams(owner).ListTeams(pb.ListTeamsRequest(), metadata=owner.metadata)).teams


async def test_team_and_its_members_are_recorded_in_the_teams_account(crew: Crew) -> None:
    """The team first, with its chat's id, then each member; nothing of it in the account of who made it."""
    url = crew.people["OWNER"].product.installation.url("workspace_system")

    async def recorded(account_id: str) -> list[ChangeHeader]:
        rows = await query(url, "SELECT header FROM changes WHERE account_id = $1 ORDER BY position", account_id)
        return [ChangeHeader.FromString(row["header"]) for row in rows]

    async def complete() -> bool:
        return len(await recorded(crew.team_id)) > len(ROLES)

    await waiting.until(complete)
    kinds = [f"{header.entity_type}.{header.type}" for header in await recorded(crew.team_id)]
    assert kinds == ["team.created", *["member.added"] * len(ROLES)]
    own = {header.entity_type for header in await recorded(crew.people["OWNER"].user_id)}
    assert own == {"user", "api_key"}


async def test_chat_of_a_team_follows_who_belongs_to_it(crew: Crew) -> None:
    """It has the id that the team was answered with; who is taken out reads no more."""
    async with connected(crew.people["OWNER"].product, "session") as channel:
        chats: Any = ChatServiceStub(channel)
        asked = chat_service_pb2.ListParticipantsRequest(chat_id=crew.team.chat_id)

        async def present() -> set[str]:
            owner = crew.acting("OWNER")
            try:
                page = await chats.ListParticipants(asked, metadata=owner.metadata, wait_for_ready=True)
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.NOT_FOUND  # noqa: PT017  # not there yet
                return set()
            return {each.user_id for each in page.participants}

        expected = {one.user_id for role, one in crew.people.items() if role != "AUDITOR"}
        await waiting.until(lambda: _holds(present, expected))
        await crew.call("OWNER", "RemoveMember", _remove(crew, "MEMBER"))
        await waiting.until(lambda: _holds(present, expected - {crew.people["MEMBER"].user_id}))


async def _holds(present: Callable[[], Awaitable[set[str]]], expected: set[str]) -> bool:
    return await present() == expected


async def test_credential_of_a_member_is_good_in_the_team_as_long_as_they_read_there(crew: Crew) -> None:
    """What somebody got for longer than a call, such as a pass for a preview, ends with the membership or the right."""
    product = crew.people["OWNER"].product
    signer = TokenSigner("session", keys.signing_key_file(product.installation.layout, "session"))
    checks = CredentialServiceStub(crew.people["OWNER"].channel)

    async def works(role: str, account: str) -> bool:
        key_id = crew.people[role].key.api_key_id
        request = credential_service_pb2.CheckCredentialRequest(credential_id=key_id, account_id=account)
        try:
            await checks.CheckCredential(request, metadata=signer.metadata())
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.UNAUTHENTICATED  # noqa: PT017  # the only other right answer
            return False
        return True

    good = {role: await works(role, crew.team_id) for role in ROLES}
    assert good == dict.fromkeys(ROLES, True) | {"AUDITOR": False}
    assert not await works("MEMBER", str(ids.new()))
    await crew.call("OWNER", "RemoveMember", _remove(crew, "MEMBER"))
    assert not await works("MEMBER", crew.team_id)
    assert await works("MEMBER", crew.people["MEMBER"].user_id)
