"""Agents as rows, and back."""

from typing import Any
from uuid import UUID

from chassis import tables
from chassis.sql import Connection
from services.execution.agents.domain import Agent, bare
from services.execution.agents.tables import agents
from services.execution.definitions import document
from services.execution.versions import store
from services.execution.versions.store import Family


def _read(values: dict[str, Any]) -> Agent:
    definition = document.from_json(values.pop("definition"))
    lists = {name: tuple(values[name]) for name in ("tags", "capabilities")}
    return Agent(**values | lists, step=bare(definition.steps[0]), parameters=definition.input_schema or {})


def _write(agent: Agent) -> dict[str, Any]:
    values = tables.row_of(agent)
    del values["step"], values["parameters"]
    lists = {name: list(values[name]) for name in ("tags", "capabilities")}
    return values | lists | {"definition": document.to_json(agent.definition)}


AGENTS = Family(Agent, agents, _read, _write)
"""Versions of agents."""


async def get_agent(connection: Connection, agent_id: UUID) -> Agent:
    """Return a version of the account, a deleted one too. AgentNotFound."""
    return await store.get_version(connection, AGENTS, agent_id)
