"""Ending editors: nothing has to be ended but the row, and the log gets its last record from here."""

from dataclasses import dataclass
from datetime import UTC, datetime

from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import TransactionConflict
from chassis.sql import Connection
from services.session.editors.operations import recovering
from services.session.sessions import operations
from services.session.sessions.domain import Session
from services.session.sessions.log import Copy, Record, RecordType
from services.session.sessions.store import log_store


@dataclass(frozen=True, slots=True)
class Ending:
    """Ends editors that somebody wants ended."""

    database: Database

    async def end(self, actor: Actor, session: Session) -> None:
        """End an editor. TransactionConflict when something happened in it meanwhile; it is then tried again."""

        async def last_record(connection: Connection) -> Copy | None:
            head = await log_store.get_head(connection.driver, session.session_id)
            if head is None:
                return None
            record = Record(head.head_sequence + 1, head.head_offset, datetime.now(UTC), RecordType.EXIT)
            return Copy(session.session_id, session.account_id, head.copier_epoch, head.head_sequence, (record,))

        copy = await self.database.read(actor, last_record)
        if copy is None:
            return
        if await self.database.write(actor, operations.close_log, copy=copy, note=recovering.leave) is None:
            raise TransactionConflict
