"""What the reconciler does for a session: makes the runner do what the row says."""

import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from stateroom.runner.v1 import runner_service_pb2 as pb
from stateroom.runner.v1.terminal_service_pb2 import PauseTerminalRequest

from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError
from chassis.reconcile import Claim
from services.session.sessions import operations, queries
from services.session.sessions.domain import Session, State, StopReason
from services.session.sessions.errors import SessionNotActive
from services.session.sessions.live.runners import Runner, Runners

GRACE = 5000
"""Milliseconds between TERM and KILL, as the contract promises."""
PATIENCE = 30.0
"""Seconds after which a session that was told to end is told again."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Works on claimed sessions."""

    database: Database
    runners: Runners
    end_editor: Callable[[Actor, Session], Awaitable[None]]
    """Ends a session that has no process."""

    async def reconcile(self, claim: Claim) -> float | None:
        """Make a session as its row says. Raises what kept it from that; it is then tried again."""
        actor = claim.actor
        session = await self.database.read(actor, queries.get_session, session_id=claim.entity_id)
        if session.state is State.STARTING:
            await self._give_up(actor, session)
        elif session.state.runs and session.stop_request is not None and not session.has_process:
            await self.end_editor(actor, session)
        elif session.state.runs and session.stop_request is not None:
            await self.signal(session, signal.SIGTERM, GRACE)
            return PATIENCE
        elif session.state.runs:
            return await self._tend(actor, session)
        return None

    async def _tend(self, actor: Actor, session: Session) -> float | None:
        """Have the runner do as the session says, or end it when its time is up, which makes it due again at once."""
        if session.expire_time is None:
            await self.apply(session)
            return None
        remaining = (session.expire_time - datetime.now(UTC)).total_seconds()
        if remaining > 0:
            await self.apply(session)
            return remaining
        await self.database.write(
            actor, operations.request_stop, session_id=session.session_id, reason=StopReason.TIMED_OUT
        )
        return None

    async def apply(self, session: Session) -> None:
        """Have the terminal flow or wait as the session says, and give it the session's size; what it has stays."""
        if not session.has_process:
            return
        runner = await self.runners.find(session.account_id, session.workspace_id)
        terminal = await runner.terminal(session.session_id)
        if terminal is None or not terminal.running:
            return
        session_id, paused = str(session.session_id), session.state is State.PAUSED
        if terminal.paused != paused:
            flow = PauseTerminalRequest(session_id=session_id, paused=paused, version=session.version)
            await self._ask(session, lambda runner: runner.terminals.PauseTerminal, flow)
        size = (session.columns, session.rows)
        if session.has_terminal and (terminal.columns, terminal.rows) != size:
            resize = pb.ResizeTerminalRequest(session_id=session_id, columns=size[0], rows=size[1])
            await self._ask(session, lambda runner: runner.stub.ResizeTerminal, resize)

    async def signal(self, session: Session, number: int, grace: int) -> None:
        """Signal the terminal's processes; KILL follows after `grace` milliseconds."""
        request = pb.SignalTerminalRequest(session_id=str(session.session_id), signal=number, grace_milliseconds=grace)
        await self._ask(session, lambda runner: runner.stub.SignalTerminal, request)

    async def _ask(
        self, session: Session, method: Callable[[Runner], Callable[..., Awaitable[object]]], request: object
    ) -> None:
        """Ask the session's runner; a terminal that is over needs nothing more."""
        with suppress(SessionNotActive):
            await self.runners.ask(session, method, request)

    async def _give_up(self, actor: Actor, session: Session) -> None:
        """End a session whose start was interrupted: its environment is not stored, so it cannot be started again."""
        with suppress(DomainError):
            await self.signal(session, signal.SIGKILL, 0)
        cause = "The server stopped while the shell was being started."
        await self.database.write(actor, operations.fail_session, session_id=session.session_id, cause=cause)
