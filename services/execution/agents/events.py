"""How agents appear in change events."""

from chassis.changes import EntityKind
from services.execution.agents import convert, store
from services.execution.agents.domain import Agent

AGENT = EntityKind("agent", Agent, convert.agent_to_proto, store.get_agent)
