"""What records of a log mean beside it: the port to those who know, used in the transaction that stores them."""

from typing import Protocol

from chassis.database import Transaction
from services.session.sessions.domain import Session
from services.session.sessions.log import Copy


class Notes(Protocol):
    """What is noted of logs."""

    def concern(self, copy: Copy) -> bool:
        """Whether a copy has records that mean something."""

    async def apply(self, tx: Transaction, session: Session, copy: Copy) -> list[Session]:
        """Note what they mean, and return the sessions that began with them."""

    async def end(self, tx: Transaction, session: Session) -> None:
        """Note that a log has no more records, and maybe not those that were to come."""
