"""The table of agents: each belongs to a terminal of this runner, and lives as long as that."""

from collections.abc import Awaitable, Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import partial

from chassis import logs
from chassis.errors import DomainError
from runner import shell
from runner.agents.agent import Agent
from runner.agents.presets import PRESETS
from runner.agents.requests import Requests
from runner.agents.state import AgentState
from runner.agents.telling import Telling
from runner.agents.terminals import AgentTerminals
from runner.agents.wire import Pipes
from runner.errors import AgentNotInstalled, CommandNotFound, TerminalEnded
from runner.handover import AgentPipes
from runner.sandbox import PATH, Program, Sandbox
from runner.terminal import Terminal
from runner.terminals import LeftTerminal, Order, Terminals

PATIENCE = 60.0
"""Seconds an agent may take to be ready: some of them look for newer versions of themselves first."""

_log = logs.get("agents")


@dataclass(frozen=True, slots=True)
class AgentOrder:
    """An agent that somebody wants: a preset, or the command of the terminal's order."""

    terminal: Order
    preset: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    conversation_id: str = ""


class Agents:
    """All agents of this room, by session id."""

    def __init__(self, sandbox: Sandbox, terminals: Terminals, *, patience: float = PATIENCE) -> None:
        self._sandbox = sandbox
        self._files = (sandbox.room / "files").resolve()
        self._terminals = terminals
        self._group = terminals.group
        self.patience = patience
        self._agents: dict[str, Agent] = {}

    async def open(self, order: AgentOrder) -> Terminal | LeftTerminal:
        """Return the terminal of an agent: the one that exists, or a new one. The agent may not be ready yet.

        Raises:
            InvalidWorkingDirectory, CommandNotFound, AgentNotInstalled: the order cannot be met.
            CannotOpenTerminal: the machine refused.
        """
        session_id = order.terminal.session_id
        described = self.check(order)
        pipes = Pipes.open()
        try:
            terminal = await self._terminals.open(order.terminal, replace(described, spoken=pipes.theirs))
        except DomainError:
            pipes.close()
            raise
        finally:
            pipes.close_theirs()
        if not isinstance(terminal, Terminal) or terminal.beside is not None:  # it was there
            pipes.close()
            return terminal
        state = AgentState(
            session_id,
            wanted=dict(order.settings),
            environment=dict(order.terminal.environment),
            directory=str(described.directory),
            loads=order.conversation_id,
        )
        agent = self._add(terminal, pipes, state)
        self._group.create_task(self._guard(agent, agent.begin(self.patience)))
        return terminal

    def check(self, order: AgentOrder) -> Program:
        """Return what is to be started, or raise what `open` raises of an order that cannot be met."""
        wanted, preset = order.terminal, PRESETS.get(order.preset)
        own = str(self._sandbox.room / "home" / ".local" / "bin")
        variables = {**wanted.environment, "PATH": f"{own}:{wanted.environment.get('PATH', PATH)}"}
        where, describe = wanted.working_directory, partial(shell.describe_command, self._sandbox, terminal=False)
        if preset is None:
            return describe(wanted.command, where, variables)
        try:
            return describe(preset.command, where, {**variables, **preset.environment}, readable=preset.readable)
        except CommandNotFound as error:
            raise AgentNotInstalled(order.preset, preset.command[0], preset.remedy) from error

    def get(self, session_id: str) -> Agent:
        """Return an agent that runs. TerminalNotFound, or TerminalEnded when there is none any more."""
        self._terminals.live(session_id)
        found = self._agents.get(session_id)
        if found is None:
            raise TerminalEnded(session_id)
        return found

    def adopt(self, states: Iterable[AgentPipes]) -> None:
        """Go on with agents that this process started before an upgrade."""
        for kept in states:
            pipes = Pipes(kept.output, kept.input)
            try:
                terminal = self._terminals.live(kept.state["session_id"])
            except DomainError:  # its terminal is lost, and was killed
                pipes.close()
                continue
            agent = self._add(terminal, pipes, AgentState(**kept.state))
            agent.wire.restore(kept.begun, kept.waiting)
            self._group.create_task(self._guard(agent, agent.restore(self.patience)))

    def states(self) -> tuple[AgentPipes, ...]:
        """Return what the code after an upgrade needs of the agents that run."""
        return tuple(
            AgentPipes(
                agent.pipes.output,
                agent.pipes.input,
                bytes(agent.wire.begun),
                bytes(agent.wire.waiting),
                asdict(agent.state),
            )
            for agent in self._agents.values()
            if not agent.over
        )

    def _add(self, terminal: Terminal, pipes: Pipes, state: AgentState) -> Agent:
        telling = Telling(self._files)
        children = AgentTerminals(terminal, self._terminals, self._files, state.environment)
        requests = Requests(self._files, children, telling, self._group)
        agent = Agent(terminal, pipes, state, requests, telling)
        terminal.beside = agent
        self._agents[state.session_id] = agent
        self._group.create_task(self._forget(terminal))
        return agent

    async def _guard(self, agent: Agent, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 the fault of one agent must not end the others
            _log.error("An agent failed", session_id=agent.state.session_id, exc_info=error)

    async def _forget(self, terminal: Terminal) -> None:
        await terminal.gone.wait()
        self._agents.pop(terminal.session_id, None)
