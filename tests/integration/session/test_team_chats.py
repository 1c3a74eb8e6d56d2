"""Chats of teams follow the changes of teams, whatever is heard twice or late."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest
import pytest_asyncio
from stateroom.api.v1 import policy_pb2
from stateroom.event.v1.change_pb2 import Change, ChangePayload
from stateroom.session.v1 import chat_service_pb2 as pb
from stateroom.workspace.v1 import team_pb2

from chassis import ids
from chassis.changes import Registry
from chassis.database import Database
from chassis.pool import open_pool
from chassis.settings import ServiceSettings
from services.session.chats import events
from services.session.chats.consumers import TeamChats
from tests.support.changes import change
from tests.support.refusals import refused
from tests.support.stage import Stage
from tests.support.talk import Talker

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share


class Team:
    """A team, as the changes tell of it."""

    def __init__(self, account_id: UUID) -> None:
        self.account_id = account_id
        self.chat_id = ids.new()
        self.changes: list[Change] = []

    def found(self) -> None:
        """Make it."""
        made = team_pb2.Team(team_id=str(self.account_id), chat_id=str(self.chat_id))
        payload = ChangePayload()
        payload.after.Pack(made)
        self._note("team", "created", payload)

    def note(self, what: str, member_id: UUID, user_id: UUID, role: str) -> None:
        """Have something happen to a member."""
        member = team_pb2.Member(member_id=str(member_id), user_id=str(user_id), role=policy_pb2.Role.Value(role))
        payload = ChangePayload()
        (payload.before if what == "removed" else payload.after).Pack(member)
        self._note("member", what, payload)

    def _note(self, entity: str, what: str, payload: ChangePayload) -> None:
        made = change(self.account_id, len(self.changes) + 1, entity_type=entity, type=what)
        made.payload = payload.SerializeToString()
        self.changes.append(made)


@pytest_asyncio.fixture(loop_scope="session")
async def chats(stage: Stage) -> AsyncIterator[TeamChats]:
    """Return what follows the changes of teams, in the database of the stage's session service."""
    settings = ServiceSettings(**stage.installation.settings("session"))
    async with open_pool(settings) as pool:
        yield TeamChats(Database(pool, Registry(*events.KINDS), lambda: None))


async def _state(stage: Stage) -> Sequence[tuple[object, ...]]:
    """Return who takes part in the account's chats, and how far they have read."""
    return [
        tuple(row) for row in await stage.rows("chat_participants", "user_id, chat_id, participant_id, read_sequence")
    ]


async def test_chat_of_a_team_has_its_members_but_auditors(stage: Stage, chats: TeamChats) -> None:
    """It is the chat that the team's first change names; a role that changes to auditor ends the part."""
    team, ada, bob, eve = Team(stage.account_id), *(Talker(stage) for _ in range(3))
    parts = [ids.new() for _ in range(3)]
    team.found()
    for person, part, role in ((ada, parts[0], "OWNER"), (bob, parts[1], "VIEWER"), (eve, parts[2], "AUDITOR")):
        team.note("added", part, person.user_id, role)
    await chats.apply(None, team.changes)
    chat = await ada.open("GetChat", pb.GetChatRequest(chat_id=str(team.chat_id)))
    assert (chat.team_id, chat.is_private) == (str(stage.account_id), False)
    assert {row[0] for row in await _state(stage)} == {ada.user_id, bob.user_id}
    await ada.post(chat.chat_id, "hello")
    assert await bob.unread() == {chat.chat_id: 1}
    team.note("updated", parts[1], bob.user_id, "AUDITOR")
    team.note("updated", parts[2], eve.user_id, "MEMBER")
    await chats.apply(None, team.changes[-2:])
    assert {row[0] for row in await _state(stage)} == {ada.user_id, eve.user_id}
    for call in (ada.add(chat.chat_id, bob), ada.remove(chat.chat_id, eve), eve.remove(chat.chat_id, eve)):
        assert (await refused(call)).reason == "CHAT_OF_TEAM"


async def test_chat_of_a_team_is_the_same_after_any_replay(stage: Stage, chats: TeamChats) -> None:
    """Everything again, or from any place on: who left is out, who came back is in, and markers stay."""
    team, ada, bob, eve = Team(stage.account_id), *(Talker(stage) for _ in range(3))
    first, left, again, gone = (ids.new() for _ in range(4))
    team.found()
    team.note("added", first, ada.user_id, "OWNER")
    team.note("added", left, bob.user_id, "MEMBER")
    team.note("added", gone, eve.user_id, "MEMBER")
    team.note("removed", left, bob.user_id, "MEMBER")
    team.note("removed", gone, eve.user_id, "MEMBER")
    team.note("added", again, bob.user_id, "MEMBER")
    await chats.apply(None, team.changes)
    for content in ("one", "two"):
        await ada.post(str(team.chat_id), content)
    await bob.open("MarkChatRead", pb.MarkChatReadRequest(chat_id=str(team.chat_id), sequence=1))
    expected = await _state(stage)
    assert {(row[0], row[2], row[3]) for row in expected} == {(ada.user_id, first, 2), (bob.user_id, again, 1)}
    for begin in range(len(team.changes)):
        await chats.apply(None, team.changes[begin:])
        assert await _state(stage) == expected


async def test_member_of_a_team_without_a_chat_is_passed_over(stage: Stage, chats: TeamChats) -> None:
    """A change that cannot be followed does not hold up those behind it; a refused one is none."""
    team = Team(stage.account_id)
    team.note("added", ids.new(), ids.new(), "MEMBER")
    refused_one = change(stage.account_id, 1, entity_type="team", outcome=2)
    await chats.apply(None, [refused_one, *team.changes])
    assert not await stage.rows("chats")
