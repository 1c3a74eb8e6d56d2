"""What the sessions' copier, follower and release ask of agents."""

from dataclasses import dataclass

from chassis.database import Transaction
from services.session.agents import operations
from services.session.sessions.domain import Session
from services.session.sessions.live.liveness import Liveness
from services.session.sessions.log import Copy


@dataclass(frozen=True, slots=True)
class AgentNotes:
    """Notes what agents' events mean."""

    liveness: Liveness

    def concern(self, copy: Copy) -> bool:
        """Whether a copy has events that are noted."""
        return any(map(operations.concerns, copy.records))

    async def apply(self, tx: Transaction, session: Session, copy: Copy) -> list[Session]:
        """Note what they mean; this process copies the sessions that begin with them."""
        return await operations.note(tx, session, copy, process=self.liveness.number)

    async def end(self, tx: Transaction, session: Session) -> None:
        """Note that nothing more comes of an agent."""
        await operations.end(tx, session)
