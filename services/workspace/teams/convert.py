"""Teams as messages of the contract."""

from collections.abc import Iterable
from uuid import UUID

from stateroom.api.v1 import policy_pb2
from stateroom.workspace.v1 import team_pb2 as pb

from chassis import etag, messages
from services.workspace.teams.domain import Invitee, Member, Role, Team


def team_to_proto(team: Team) -> pb.Team:
    """Return a team's public form."""
    message = pb.Team(
        team_id=str(team.team_id),
        handle=team.handle,
        display_name=team.display_name,
        chat_id=str(team.chat_id),
        member_count=team.member_count,
        etag=etag.of(team),
    )
    messages.set_times(message, team, "create_time", "update_time", "delete_time")
    return message


def member_to_proto(member: Member) -> pb.Member:
    """Return a member's public form."""
    message = pb.Member(
        member_id=str(member.member_id),
        team_id=str(member.team_id),
        user_id=str(member.user_id),
        handle=member.handle,
        role=policy_pb2.Role.Value(member.role.name),
        etag=etag.of(member),
    )
    messages.set_times(message, member, "create_time", "update_time")
    return message


def invitee_from_proto(message: pb.Member) -> Invitee:
    """Return who is to belong to a team."""
    return Invitee(UUID(message.user_id) if message.user_id else None, message.handle, role_from_proto(message))


def role_from_proto(message: pb.Member) -> Role:
    """Return the role of a member, which the contract demands."""
    return Role[policy_pb2.Role.Name(message.role)]


def member_values_from_proto(message: pb.Member, names: Iterable[str]) -> dict[str, object]:
    """Return the fields of these names as a member holds them."""
    invitee = invitee_from_proto(message)
    return {name: getattr(invitee, name) for name in names}


def values_from_proto(message: pb.Team, names: Iterable[str]) -> dict[str, object]:
    """Return the fields of these names as a team holds them."""
    return {name: getattr(message, name) for name in names}
