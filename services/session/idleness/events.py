"""How policies appear in change events."""

from chassis.changes import EntityKind
from services.session.idleness import convert, store
from services.session.idleness.domain import IdlePolicy

IDLE_POLICY = EntityKind("idle_policy", IdlePolicy, convert.policy_to_proto, store.get_policy)
