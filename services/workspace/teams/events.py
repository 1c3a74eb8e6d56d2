"""How teams appear in change events."""

from chassis.changes import EntityKind
from services.workspace.teams import convert, store
from services.workspace.teams.domain import Member, Team

KINDS = (
    EntityKind("team", Team, convert.team_to_proto, store.get_team),
    EntityKind("member", Member, convert.member_to_proto, store.get_member),
)
