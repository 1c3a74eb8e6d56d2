"""How turns and requests for permission appear in change events."""

from chassis.changes import EntityKind
from services.session.agents import convert, store
from services.session.agents.domain import Permission, Turn

TURN = EntityKind("agent_turn", Turn, convert.turn_to_proto, store.get_turn)
PERMISSION = EntityKind("agent_permission", Permission, convert.permission_to_proto, store.get_permission)
