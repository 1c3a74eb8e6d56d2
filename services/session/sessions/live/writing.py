"""Typing into a session that no device controls: one call to the runner, under the newest lease there was."""

from dataclasses import dataclass

from stateroom.runner.v1 import runner_service_pb2 as pb

from chassis.actor import Actor
from chassis.database import Database
from services.session.sessions.domain import Session
from services.session.sessions.live.runners import Runners
from services.session.sessions.store import leases


@dataclass(frozen=True, slots=True)
class Writer:
    """Types for those who are not attached."""

    database: Database
    runners: Runners

    async def write(self, actor: Actor, session: Session, data: bytes, write_id: str) -> None:
        """Type bytes; the same `write_id` types them once.

        Raises:
            SessionWithoutTerminal, SessionNotActive: it takes no input, or no more.
            ControllerTaken: a device controls it.
        """
        session.expect_terminal()
        session.expect_running()
        epoch = await self.database.read(actor, leases.expect_free, session_id=session.session_id)
        write = pb.WriteTerminalRequest(
            session_id=str(session.session_id), data=data, lease_epoch=epoch, write_id=write_id
        )
        await self.runners.ask(session, lambda runner: runner.stub.WriteTerminal, write)
