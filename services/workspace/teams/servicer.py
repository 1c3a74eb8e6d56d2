"""TeamService: teams, and who belongs to them."""

from dataclasses import dataclass
from uuid import UUID

from stateroom.workspace.v1 import team_pb2
from stateroom.workspace.v1 import team_service_pb2 as pb

from chassis import ids, masks
from chassis.database import Database
from chassis.pages import Pages
from chassis.rpc.call import Call
from services.workspace.teams import convert, operations, queries


@dataclass(frozen=True, slots=True)
class TeamServicer:
    """Serves stateroom.workspace.v1.TeamService."""

    database: Database
    pages: Pages
    limit: int

    async def CreateTeam(self, request: pb.CreateTeamRequest, call: Call) -> team_pb2.Team:
        """Create a team with its first members."""
        wanted = request.team
        founding = operations.Founding(
            handle=wanted.handle,
            display_name=wanted.display_name or wanted.handle,
            invitees=[convert.invitee_from_proto(member) for member in request.members],
        )
        team = await self.database.write(call.actor, operations.create_team, founding=founding, limit=self.limit)
        return convert.team_to_proto(team)

    async def GetTeam(self, request: pb.GetTeamRequest, call: Call) -> team_pb2.Team:
        """Return a team."""
        team = await self.database.read(call.actor, queries.get_team, team_id=ids.parse(request.team_id))
        return convert.team_to_proto(team)

    async def ListTeams(self, request: pb.ListTeamsRequest, call: Call) -> pb.ListTeamsResponse:
        """Return a page of the caller's teams."""
        page = self.pages.open(request, call.account_id)
        user_id = UUID(call.principal.subject)
        rows = await self.database.read(
            call.actor, queries.list_teams, user_id=user_id, limit=page.limit, after=page.after_id
        )
        shown, token = page.cut(rows, key=lambda team: team.team_id)
        return pb.ListTeamsResponse(teams=map(convert.team_to_proto, shown), next_page_token=token)

    async def UpdateTeam(self, request: pb.UpdateTeamRequest, call: Call) -> team_pb2.Team:
        """Change a team's name."""
        names = masks.fields_to_set(request.team, request.update_mask)
        team = await self.database.write(
            call.actor,
            operations.update_team,
            team_id=ids.parse(request.team_id),
            values=convert.values_from_proto(request.team, names),
            etag=request.etag,
        )
        return convert.team_to_proto(team)

    async def DeleteTeam(self, request: pb.DeleteTeamRequest, call: Call) -> team_pb2.Team:
        """Delete a team."""
        team = await self.database.write(
            call.actor, operations.delete_team, team_id=ids.parse(request.team_id), etag=request.etag
        )
        return convert.team_to_proto(team)

    async def AddMember(self, request: pb.AddMemberRequest, call: Call) -> team_pb2.Member:
        """Bring a person into a team."""
        member = await self.database.write(
            call.actor,
            operations.add_member,
            team_id=ids.parse(request.team_id),
            invitee=convert.invitee_from_proto(request.member),
        )
        return convert.member_to_proto(member)

    async def ListMembers(self, request: pb.ListMembersRequest, call: Call) -> pb.ListMembersResponse:
        """Return a page of a team's members."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_members,
            team_id=ids.parse(request.team_id),
            account_id=call.account_id,
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda member: member.member_id)
        return pb.ListMembersResponse(members=map(convert.member_to_proto, shown), next_page_token=token)

    async def UpdateMember(self, request: pb.UpdateMemberRequest, call: Call) -> team_pb2.Member:
        """Give a member another role."""
        names = masks.fields_to_set(request.member, request.update_mask)
        member = await self.database.write(
            call.actor,
            operations.update_member,
            team_id=ids.parse(request.team_id),
            user_id=ids.parse(request.user_id),
            values=convert.member_values_from_proto(request.member, names),
            etag=request.etag,
        )
        return convert.member_to_proto(member)

    async def RemoveMember(self, request: pb.RemoveMemberRequest, call: Call) -> team_pb2.Team:
        """Take a person out of a team."""
        team = await self.database.write(
            call.actor,
            operations.remove_member,
            team_id=ids.parse(request.team_id),
            user_id=ids.parse(request.user_id),
        )
        return convert.team_to_proto(team)

    async def LeaveTeam(self, request: pb.LeaveTeamRequest, call: Call) -> team_pb2.Team:
        """Take the caller out of a team."""
        team = await self.database.write(
            call.actor,
            operations.remove_member,
            team_id=ids.parse(request.team_id),
            user_id=UUID(call.principal.subject),
        )
        return convert.team_to_proto(team)
