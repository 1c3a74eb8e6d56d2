"""What happens in an editor, on its way into its session's log, which no runner writes but this service."""

from uuid import UUID

from stateroom.session.v1.editor_pb2 import EditorEvent

from chassis.database import Transaction
from chassis.errors import TransactionConflict
from services.session.editors import store
from services.session.editors.domain import Buffer
from services.session.sessions.domain import Session, State
from services.session.sessions.errors import SessionNotActive
from services.session.sessions.log import Copy, Record, RecordType
from services.session.sessions.store import log_store, session_store


async def lock_session(tx: Transaction, session_id: UUID) -> Session:
    """Return an editor that can be worked in, and hold its row until the transaction ends, and with it its log.

    Raises:
        SessionNotFound, NoEditor: there is no such editor.
        SessionNotActive: it has ended, is about to, or is paused.
    """
    session = await session_store.lock_session(tx.connection, session_id)
    session.expect_editor()
    _expect_work(session)
    return session


async def hold_buffer(tx: Transaction, buffer_id: UUID) -> tuple[Session, Buffer]:
    """Return a buffer and its session in whatever state they are, and hold the rows of both. BufferNotFound."""
    session_id = (await store.get_buffer(tx.connection, buffer_id)).session_id
    session = await session_store.lock_session(tx.connection, session_id)
    buffer = await store.lock_buffer(tx.connection, buffer_id)
    if buffer.session_id != session_id:  # it was brought into another one meanwhile
        raise TransactionConflict
    return session, buffer


async def lock_buffer(tx: Transaction, buffer_id: UUID) -> tuple[Session, Buffer]:
    """Return an open buffer of an editor that can be worked in. BufferNotFound, BufferClosed, SessionNotActive."""
    session, buffer = await hold_buffer(tx, buffer_id)
    buffer.expect_open()
    _expect_work(session)
    return session, buffer


async def tell(
    tx: Transaction, session: Session, buffer: Buffer, event: EditorEvent, *, by_somebody: bool = True
) -> None:
    """Append what happened to a buffer to the log of its session, whose row is held, and let followers know.

    The log of a session that has ended stays as it is.
    """
    if session.state.final:
        return
    event.buffer_id, event.path, event.revision = str(buffer.buffer_id), buffer.path, buffer.revision
    event.user_id = tx.actor.subject if by_somebody else ""
    driver = tx.connection.driver
    head = await log_store.get_head(driver, buffer.session_id)
    if head is None:
        raise TransactionConflict
    data = event.SerializeToString()
    record = Record(head.head_sequence + 1, head.head_offset, tx.now, RecordType.EDITOR, data)
    copy = Copy(buffer.session_id, buffer.account_id, head.copier_epoch, head.head_sequence, (record,))
    if not await log_store.append(driver, [copy]):
        raise TransactionConflict
    await store.tell(tx.connection, buffer.session_id)


def _expect_work(session: Session) -> None:
    if session.stop_request is not None and not session.state.final:
        raise SessionNotActive(session.session_id, "being ended")
    if session.state is not State.ACTIVE:
        raise SessionNotActive(session.session_id, session.state.name)
