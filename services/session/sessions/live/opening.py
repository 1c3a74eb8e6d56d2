"""Opening a terminal: the row first, then the runner, then the row again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from stateroom.runner.v1 import runner_service_pb2 as pb

from chassis import faults, ids
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError, InvalidArgument, InvalidField, Violation, WrongState
from services.session.sessions import operations, queries
from services.session.sessions.domain import Session, State
from services.session.sessions.errors import CannotStartSession
from services.session.sessions.live.background import Background
from services.session.sessions.live.feeds import Feeds
from services.session.sessions.live.liveness import Liveness
from services.session.sessions.live.runners import Runner, Runners
from services.session.sessions.spec import Kind, SessionSpec

OWN_NAMES = ("PWD", "WORKSPACE_NAME", "WORKSPACE_REPO")
"""Variables that every shell has beside those that its creator sets."""

_POLL = 0.1  # seconds between looks at a session that another call starts
_STALE = {"SERVICE_UNAVAILABLE", "RUNNER_TOKEN_REFUSED"}
_PAUSES = (0.0, 0.5)
"""Seconds between attempts: a runner that is being suspended is still told of for a moment, by other processes too."""
_AFTER_START = faults.Point("opening.after_start", "The shell runs, and its session is still STARTING.")


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens sessions."""

    database: Database
    runners: Runners
    feeds: Feeds
    liveness: Liveness
    background: Background
    begun: operations.Begun
    """Goes on in a new editor where an ended one stopped."""
    expect_context: Callable[..., Awaitable[None]]
    """Reads whether an agent may belong to `context_id` in `workspace_id`; raises what is against it."""
    limit: int
    """Live sessions an account may have."""

    async def open(
        self, actor: Actor, spec: SessionSpec, environment: Mapping[str, str], *, asked_in: str = ""
    ) -> Session:
        """Create a session and start its shell. The values of the environment go to the runner and nowhere else.

        Raises what the workspace service says of the workspace, or the runner of the spec, and then no session exists;
        or what kept the shell from starting all the same, and then the session is FAILED. `asked_in` is the field of
        the request that holds the spec.
        """
        # First, because a repetition must be answered although the workspace or its runner may be gone by now.
        repeated: Session | None = await self.database.find_repeated(actor)
        if repeated is not None:
            return await self.started(actor, repeated)
        if spec.kind is Kind.EDITOR:
            return await self._open_editor(actor, spec)
        await self._expect_context(actor, spec)
        spec = await self._continued(actor, spec)
        order = await self.prepare(actor, spec, environment, asked_in=asked_in)
        process = self.liveness.number
        session = await self.database.write(
            actor, operations.create_session, spec=spec, copier_process=process, limit=self.limit
        )
        if session.session_id != spec.session_id:  # the same request came twice at once
            return await self.started(actor, session)
        return await self.begin(actor, session, order)

    async def prepare(
        self, actor: Actor, spec: SessionSpec, environment: Mapping[str, str], *, asked_in: str = ""
    ) -> pb.OpenTerminalRequest:
        """Return the order for a session that can be opened; raises what keeps it from that."""
        await self.liveness.shown.wait()
        runner = await self.runners.enter(actor.account_id, spec.workspace_id)
        values = {**environment, "WORKSPACE_NAME": runner.workspace_name, "WORKSPACE_REPO": runner.repository_url}
        order = _order(spec, values)
        await _check(runner, order, asked_in)
        return order

    async def begin(self, actor: Actor, session: Session, order: pb.OpenTerminalRequest) -> Session:
        """Start the shell of a session that was just created; raises what kept it from starting."""
        outcome = await asyncio.shield(self.background.spawn(self._start(actor, session, order)))
        if isinstance(outcome, DomainError):
            raise outcome
        return outcome

    async def started(self, actor: Actor, session: Session) -> Session:
        """Return the session once it is no longer STARTING, which takes 30 seconds at most."""
        reader = replace(actor, repeat=None)
        while session.state is State.STARTING:
            await asyncio.sleep(_POLL)
            session = await self.database.read(reader, queries.get_session, session_id=session.session_id)
        return session

    async def _open_editor(self, actor: Actor, spec: SessionSpec) -> Session:
        """Open an editor, which needs no more of its workspace than that it is active."""
        given = tuple(name for name in spec.environment_names if name not in OWN_NAMES)
        spec = replace(spec, environment_names=given)
        _expect_nothing_to_run(spec)
        await self.liveness.shown.wait()
        await self.runners.enter(actor.account_id, spec.workspace_id)
        return await self.database.write(
            actor,
            operations.open_editor,
            spec=spec,
            copier_process=self.liveness.number,
            limit=self.limit,
            begun=self.begun,
        )

    async def _expect_context(self, actor: Actor, spec: SessionSpec) -> None:
        """Raise what keeps an agent from belonging to the context that it names."""
        if context_id := spec.agent.get("context_id"):
            reader, wanted = replace(actor, repeat=None), ids.parse(context_id)
            await self.database.read(reader, self.expect_context, context_id=wanted, workspace_id=spec.workspace_id)

    async def _continued(self, actor: Actor, spec: SessionSpec) -> SessionSpec:
        """Return the spec with the conversation that its agent is to go on with.

        Raises:
            SessionNotFound, NoAgent, InvalidField: there is no such conversation in the workspace.
        """
        earlier_id = spec.agent.get("continues_session_id")
        if not earlier_id:
            return spec
        reader = replace(actor, repeat=None)
        earlier = await self.database.read(reader, queries.get_session, session_id=ids.parse(earlier_id))
        earlier.expect_agent()
        if earlier.workspace_id != spec.workspace_id:
            raise InvalidField(Violation("session.agent.continues_session_id", "is a session of another workspace"))
        return replace(spec, agent=spec.agent | {"conversation_id": earlier.agent.get("conversation_id", "")})

    async def _start(self, actor: Actor, session: Session, order: pb.OpenTerminalRequest) -> Session | DomainError:
        """Start the shell, whether or not the caller still waits. Errors are returned: maybe nobody catches them."""
        actor = replace(actor, repeat=None)
        try:
            try:
                runner = await self._open_terminal(session, order)
            except DomainError as exc:
                await self.database.write(
                    actor, operations.fail_session, session_id=session.session_id, cause=exc.message
                )
                passed_on = isinstance(exc, (InvalidArgument, WrongState))
                return exc if passed_on else CannotStartSession(session.session_id, exc.message)
            _AFTER_START.reach()
            active = await self.database.write(
                actor, operations.activate_session, session_id=session.session_id, runner_id=runner.runner_id
            )
        except DomainError as exc:
            return exc
        self.feeds.begin(active)
        return active

    async def _open_terminal(self, session: Session, order: pb.OpenTerminalRequest) -> Runner:
        """Open the terminal. The workspace service is asked again: it may have put the workspace away meanwhile."""
        runner = await self.runners.enter(session.account_id, session.workspace_id)
        for pause in _PAUSES:
            try:
                await runner.call(runner.stub.OpenTerminal, order)
            except DomainError as exc:
                if exc.reason not in _STALE:
                    raise
            else:
                return runner
            await asyncio.sleep(pause)
            self.runners.forget(session.workspace_id)
            runner = await self.runners.find(session.account_id, session.workspace_id)
        await runner.call(runner.stub.OpenTerminal, order)
        return runner


def _expect_nothing_to_run(spec: SessionSpec) -> None:
    """Raise InvalidField for an editor that is to run something."""
    for name in ("shell", "command", "agent", "working_directory", "environment_names", "secret_names"):
        if getattr(spec, name):
            field = "environment" if name == "environment_names" else name
            raise InvalidField(Violation(f"session.{field}", "must be empty: an editor runs nothing"))


async def _check(runner: Runner, order: pb.OpenTerminalRequest, asked_in: str) -> None:
    """Raise what is wrong with an order for the runner. All else shows when it is to be met."""
    try:
        await runner.call(runner.stub.CheckTerminal, pb.CheckTerminalRequest(terminal=order))
    except (InvalidArgument, WrongState) as exc:
        exc.blame_within(asked_in)
        raise
    except DomainError:
        return


def _order(spec: SessionSpec, environment: Mapping[str, str]) -> pb.OpenTerminalRequest:
    order = pb.OpenTerminalRequest(
        session_id=str(spec.session_id),
        shell=spec.shell,
        command=spec.command,
        piped=spec.kind is not Kind.TERMINAL,
        working_directory=spec.working_directory,
        environment=environment,
        columns=spec.columns,
        rows=spec.rows,
        secret_names=spec.secret_names,
    )
    if spec.kind is Kind.AGENT:
        known = spec.agent
        settings: dict[str, str] = {name: known[name] for name in ("mode", "model") if name in known}
        order.agent.preset = known.get("preset", "")
        order.agent.conversation_id = known.get("conversation_id", "")
        order.agent.settings.update(settings)
        order.agent.SetInParent()
    return order
