"""Giving terminals back: once a log is complete, its runner need not keep the spool."""

import signal
from dataclasses import dataclass

from stateroom.runner.v1 import runner_service_pb2 as pb

from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError
from chassis.reconcile import Claim
from services.session.sessions import queries
from services.session.sessions.domain import Session
from services.session.sessions.live.runners import NO_RUNNER, OVER, Runners

_LOOK_AGAIN = 0.5  # seconds after which the runner should have dropped the terminal


@dataclass(frozen=True, slots=True)
class Release:
    """Works on claimed heads of logs: each is due from its session's end until the runner has dropped the terminal."""

    database: Database
    runners: Runners

    async def work(self, claim: Claim) -> float | None:
        """Have a terminal dropped. Raises what kept the runner from that; it is then tried again."""
        actor = Actor(account_id=claim.account_id, subject="service:session")
        session = await self.database.read(actor, queries.get_session, session_id=claim.entity_id)
        try:
            return await self._drop(session)
        except DomainError as exc:
            self.runners.forget(session.workspace_id)
            if exc.reason in OVER | NO_RUNNER:
                return None
            raise

    async def _drop(self, session: Session) -> float | None:
        runner = await self.runners.find(session.account_id, session.workspace_id)
        terminal = await runner.terminal(session.session_id)
        if terminal is None:
            return None
        if terminal.running:  # its session failed to start, as far as anybody knew
            kill = pb.SignalTerminalRequest(session_id=terminal.session_id, signal=signal.SIGKILL)
            await runner.call(runner.stub.SignalTerminal, kill)
        else:
            stored = pb.AcknowledgeRecordsRequest(session_id=terminal.session_id, sequence=terminal.end_sequence)
            await runner.call(runner.stub.AcknowledgeRecords, stored)
        return _LOOK_AGAIN
