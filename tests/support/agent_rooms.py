"""Agents in a room, and what their logs say."""

import asyncio
from collections.abc import Mapping

from stateroom.agent.v1 import agent_event_pb2 as pb

from chassis import ids
from runner.agents.agent import Agent
from runner.agents.agents import AgentOrder, Agents
from runner.record import Record, RecordType
from runner.terminal import Terminal
from tests.support.runner_rooms import Follower, order
from tests.support.waiting import PATIENCE

PERSON = pb.Author(user_id="ada")


class Conversation:
    """An agent that runs, and all that happened with it."""

    def __init__(self, agents: Agents, terminal: Terminal) -> None:
        self.terminal = terminal
        self.agents = agents
        self.follower = Follower(terminal.spool)

    @classmethod
    async def open(
        cls,
        agents: Agents,
        *command: str,
        settings: Mapping[str, str] | None = None,
        conversation_id: str = "",
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> "Conversation":
        """Start an agent: the understudy, or a command. `secrets` are variables too."""
        hidden = {name: value.encode() for name, value in (secrets or {}).items()}
        variables = {**(environment or {}), **(secrets or {})}
        wanted = order(command=command, piped=True, environment=variables, secrets=hidden)
        preset = "" if command else "understudy"
        terminal = await agents.open(AgentOrder(wanted, preset, dict(settings or {}), conversation_id))
        assert isinstance(terminal, Terminal)
        return cls(agents, terminal)

    @property
    def agent(self) -> Agent:
        """The agent itself."""
        return self.agents.get(self.terminal.session_id)

    @property
    def events(self) -> list[pb.AgentEvent]:
        """What was read of its log so far."""
        return [pb.AgentEvent.FromString(one.body) for one in self.follower.records if one.type is RecordType.AGENT]

    def prompt(self, text: str, turn_id: str = "") -> int:
        """Ask something of it."""
        return self.agent.prompt(pb.Prompt(turn_id=turn_id or str(ids.new()), text=text), PERSON)

    async def until(self, kind: str, count: int = 1) -> list[pb.AgentEvent]:
        """Read until the log has so many events of a kind, and return all of that kind."""
        async with asyncio.timeout(PATIENCE):
            while len(found := self.of(kind)) < count:
                assert await self.follower.step(), self.events[-3:]
        return found

    def of(self, kind: str) -> list[pb.AgentEvent]:
        """Return the events of a kind."""
        return [event for event in self.events if event.WhichOneof("event") == kind]

    async def end(self) -> Record:
        """Read to the end."""
        return await self.follower.end()

    @property
    def said(self) -> str:
        """All that it said."""
        return "".join(event.message.text for event in self.of("message"))
