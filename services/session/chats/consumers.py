"""What the changes of teams mean for chats: each team has one, in which its members take part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from stateroom.api.v1 import policy_pb2
from stateroom.event.v1.change_pb2 import Change, ChangeHeader, ChangePayload
from stateroom.workspace.v1 import team_pb2

from chassis import trace
from chassis.actor import Actor
from chassis.database import Database
from services.session.chats import operations
from services.session.chats.domain import Membership

_JOINING = {"added", "updated"}
"""Changes of a member who belongs to the team afterwards."""


@dataclass(frozen=True, slots=True)
class TeamChats:
    """Makes the chats of teams, and has members take part."""

    database: Database

    async def apply(self, _connection: Any, changes: Sequence[Change]) -> None:  # that of the cursor
        """Apply a run of changes of the workspace service. Again changes nothing, so that each commits for itself."""
        for change in changes:
            header = ChangeHeader.FromString(change.header)
            if header.outcome != ChangeHeader.SUCCEEDED:
                continue
            trace.follow(header.trace_id)
            if (header.entity_type, header.type) == ("team", "created"):
                await self._create(header, ChangePayload.FromString(change.payload))
            elif header.entity_type == "member":
                await self._follow(header, ChangePayload.FromString(change.payload))

    async def _create(self, header: ChangeHeader, payload: ChangePayload) -> None:
        team = team_pb2.Team()
        payload.after.Unpack(team)
        await self.database.write(
            _actor(header), operations.create_team_chat, chat_id=UUID(team.chat_id), founder_id=UUID(header.actor_id)
        )

    async def _follow(self, header: ChangeHeader, payload: ChangePayload) -> None:
        member = team_pb2.Member()
        belongs = header.type in _JOINING
        (payload.after if belongs else payload.before).Unpack(member)
        takes_part = belongs and member.role != policy_pb2.AUDITOR
        membership = Membership(UUID(member.member_id), UUID(member.user_id), takes_part)
        await self.database.write(_actor(header), operations.follow_member, membership=membership)


def _actor(header: ChangeHeader) -> Actor:
    return Actor.of_service(
        "session", UUID(header.account_id), correlation_id=header.request_id, cause_event_id=header.event_id
    )
