"""Teams, and the people in them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stateroom.api.v1 import policy_pb2
from stateroom.workspace.v1 import team_pb2
from stateroom.workspace.v1 import team_service_pb2 as pb
from stateroom.workspace.v1.team_service_pb2_grpc import TeamServiceStub

from chassis import ids
from tests.support.people import Person, newcomer
from tests.support.product import Product

if TYPE_CHECKING:
    from stateroom.workspace.v1.team_service_pb2_grpc import TeamServiceAsyncStub

ROLES = ("OWNER", "ADMIN", "MEMBER", "VIEWER", "AUDITOR")


@dataclass(frozen=True, slots=True)
class Crew:
    """A team, and one member of each role by its name."""

    team: team_pb2.Team
    people: Mapping[str, Person]

    @property
    def team_id(self) -> str:
        """The team's id, and that of its account."""
        return self.team.team_id

    def acting(self, role: str) -> Person:
        """Return the member of a role as one who acts in the team."""
        return self.people[role].acting_in(self.team_id)

    async def call(self, role: str, method: str, request: Any) -> Any:
        """Have the member of a role call a method of the team's service in the team."""
        return await getattr(teams(self.people[role]), method)(request, metadata=self.acting(role).metadata)


def teams(person: Person) -> "TeamServiceAsyncStub":
    """Return the service of teams as a person calls it."""
    return TeamServiceStub(person.channel)


def member(person: Person, role: str) -> team_pb2.Member:
    """Return how a person is named as a member."""
    return team_pb2.Member(user_id=person.user_id, role=policy_pb2.Role.Value(role))


async def create_team(
    owner: Person, *members: team_pb2.Member, handle: str = "", request_id: str = ""
) -> team_pb2.Team:
    """Create a team of the owner's."""
    request = pb.CreateTeamRequest(
        team=team_pb2.Team(handle=handle or f"t{ids.new().hex}"), members=members, request_id=request_id
    )
    return await teams(owner).CreateTeam(request, metadata=owner.metadata, wait_for_ready=True)


@asynccontextmanager
async def crew(product: Product) -> AsyncIterator[Crew]:
    """Create a team with one member of each role."""
    async with AsyncExitStack() as stack:
        people = {role: await stack.enter_async_context(newcomer(product)) for role in ROLES}
        others = [member(people[role], role) for role in ROLES[1:]]
        yield Crew(await create_team(people["OWNER"], *others), people)
