"""Changes of sessions."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from chassis import etag as tags
from chassis.actor import Actor
from chassis.database import Transaction
from services.session.sessions.domain import Session, SessionSpec, State, StopReason
from services.session.sessions.errors import SessionLimitReached, SessionNotFound
from services.session.sessions.log import Copy
from services.session.sessions.store import leases, log_store, session_store

Note = Callable[[Transaction, Session, Copy], Awaitable[list[Session]]]
"""Does what records of a session's log mean beside it, and returns the sessions that began with them."""

End = Callable[[Transaction, Session], Awaitable[None]]
"""Notes that a session's log has no more records."""

Begun = Callable[[Transaction, Session], Awaitable[None]]
"""Does what belongs to the beginning of an editor."""

START_LEASE = timedelta(seconds=30)
"""How long a shell may take to start before the session counts as failed."""


async def create_session(
    tx: Transaction, *, spec: SessionSpec, copier_process: int, limit: int, start_lease: timedelta | None = START_LEASE
) -> Session:
    """Create a session in state STARTING.

    Args:
        tx: of the account it is to belong to.
        spec: what it is to be.
        copier_process: the process that opens its terminal and copies its log.
        limit: how many live sessions the account may have.
        start_lease: how long its start may take before it counts as failed; None where somebody else sees to it.

    Raises:
        SessionLimitReached: it has as many.
    """
    if await session_store.count_live(tx.connection, tx.account_id) >= limit:
        raise SessionLimitReached(limit)
    session = Session.create(tx.now, tx.account_id, spec)
    due = None if start_lease is None else tx.now + start_lease
    await session_store.insert_session(tx.connection, session, copier_process=copier_process, due=due)
    tx.record("created", after=session)
    return session


async def open_editor(tx: Transaction, *, spec: SessionSpec, copier_process: int, limit: int, begun: Begun) -> Session:
    """Create an editor, which is ACTIVE at once, and do what belongs to its beginning. SessionLimitReached."""
    starting = await create_session(tx, spec=spec, copier_process=copier_process, limit=limit, start_lease=None)
    active = starting.activate(tx.now, "")
    await session_store.update_session(tx.connection, active, due=None)
    tx.record("started", before=starting, after=active)
    await begun(tx, active)
    return active


async def activate_session(tx: Transaction, *, session_id: UUID, runner_id: str) -> Session:
    """Note that the shell runs. SessionNotActive when the session was given up meanwhile."""
    current = await session_store.lock_session(tx.connection, session_id)
    active = current.activate(tx.now, runner_id)
    await session_store.update_session(tx.connection, active, due=tx.now if active.stop_request else None)
    tx.record("started", before=current, after=active)
    return active


async def fail_session(tx: Transaction, *, session_id: UUID, cause: str) -> Session:
    """Note that the shell could not be started. SessionNotActive when it was."""
    current = await session_store.lock_session(tx.connection, session_id)
    failed = current.fail(tx.now, cause)
    await session_store.update_session(tx.connection, failed, due=None)
    tx.record("failed", before=current, after=failed)
    return failed


async def update_session(tx: Transaction, *, session_id: UUID, values: Mapping[str, object], etag: str) -> Session:
    """Give a session another title or metadata, by the names of its public fields. Those it has change nothing.

    Raises:
        SessionNotFound: no such session in the account.
        EtagRequired, EtagMismatch: the caller does not say what was read, or it changed since.
        InvalidField: a value is none that an update changes.
    """
    current = await session_store.lock_session(tx.connection, session_id)
    tags.demand(current, etag)
    updated = current.update(tx.now, values)
    if updated is not current:
        await session_store.update_details(tx.connection, updated)
        tx.record("updated", before=current, after=updated)
    return updated


async def report_activity(tx: Transaction, *, session_ids: Sequence[UUID]) -> list[UUID]:
    """Note that something works in sessions; returns those that live. SessionNotFound when one is not in the account.

    It is no change: a session's activity stands beside its row, at most once a second.
    """
    states = await session_store.get_states(tx.connection, session_ids)
    for session_id in session_ids:
        if session_id not in states:
            raise SessionNotFound(session_id)
    live = [session_id for session_id in session_ids if not states[session_id].final]
    await session_store.note_activity(tx.connection, live, tx.now)
    return live


async def resize_session(tx: Transaction, *, session_id: UUID, columns: int, rows: int, etag: str) -> Session:
    """Give a running session another size, which the runner then applies.

    Raises:
        SessionNotFound: no such session in the account.
        EtagMismatch: it changed since it was read.
        SessionNotActive: it does not run.
    """
    current = await session_store.lock_session(tx.connection, session_id)
    tags.expect(current, etag)
    resized = current.resize(tx.now, columns, rows)
    if (current.columns, current.rows) == (columns, rows):
        return current
    await session_store.update_session(tx.connection, resized, due=tx.now)
    tx.record("resized", before=current, after=resized)
    return resized


async def pause_session(tx: Transaction, *, session_id: UUID, etag: str) -> Session:
    """Stop the output of a running session, which the runner then does. A paused one stays as it is.

    Raises:
        SessionNotFound: no such session in the account.
        EtagMismatch: it changed since it was read.
        SessionNotActive: it does not run, or is being ended.
    """
    current = await session_store.lock_session(tx.connection, session_id)
    tags.expect(current, etag)
    return await _flow(tx, "paused", current, current.pause(tx.now))


async def resume_session(tx: Transaction, *, session_id: UUID, etag: str) -> Session:
    """Let the output of a session flow again. One that flows stays as it is. Raises as `pause_session` does.

    It counts as work: whoever wants it to go on must not find it ended as idle.
    """
    current = await session_store.lock_session(tx.connection, session_id)
    tags.expect(current, etag)
    await session_store.note_activity(tx.connection, [session_id], tx.now)
    return await _flow(tx, "resumed", current, current.resume(tx.now))


async def request_stop(tx: Transaction, *, session_id: UUID, reason: StopReason, etag: str = "") -> Session:
    """Note that a session is to end; the reconciler sees to it. A second wish changes nothing.

    Raises:
        SessionNotFound: no such session in the account.
        EtagMismatch: it changed since it was read.
        SessionNotActive: it has ended.
    """
    current = await session_store.lock_session(tx.connection, session_id)
    tags.expect(current, etag)
    stopping = current.request_stop(tx.now, reason, tx.actor.cause_event_id)
    if current.stop_request is not None:
        return current
    due = tx.now if current.state.runs else current.create_time + START_LEASE
    await session_store.update_session(tx.connection, stopping, due=due)
    tx.record("stop_requested", before=current, after=stopping)
    return stopping


async def store_noted(tx: Transaction, *, copy: Copy, note: Note) -> list[Session] | None:
    """Store records of a log together with what they mean beside it.

    Returns:
        The sessions that began with them; None when the log's head is not where the copy expects it.
    """
    current = await session_store.lock_session(tx.connection, copy.session_id)
    if not await log_store.append(tx.connection.driver, [copy]):
        return None
    return await note(tx, current, copy)


async def close_log(tx: Transaction, *, copy: Copy, note: Note) -> Session | None:
    """Store the last records of a log and end the session as they say, in one transaction.

    Returns:
        The ended session; None when the log's head is not where the copy expects it.
    """
    current = await session_store.lock_session(tx.connection, copy.session_id)
    shell_exit = copy.shell_exit
    if shell_exit is None or not await log_store.append(tx.connection.driver, [copy]):
        return None
    await note(tx, current, copy)
    current = await session_store.get_session(tx.connection, copy.session_id)
    tx.actor = _caused_by(current, tx.actor)
    stopped = current.stop(tx.now, shell_exit)
    await session_store.update_session(tx.connection, stopped, due=None)
    tx.record("stopped", before=current, after=stopped)
    return stopped


async def lose_session(tx: Transaction, *, session_id: UUID, cause: str, log_complete: bool, end: End) -> Session:
    """End a session whose runner died. An ended one stays as it is."""
    current = await session_store.lock_session(tx.connection, session_id)
    if current.state.final:
        return current
    tx.actor = _caused_by(current, tx.actor)
    lost = current.lose(tx.now, cause, log_complete=log_complete)
    await session_store.update_session(tx.connection, lost, due=None)
    await end(tx, lost)
    tx.record("lost" if lost.state is State.LOST else "stopped", before=current, after=lost)
    return lost


async def complete_log(tx: Transaction, *, session_id: UUID, end: End) -> Session:
    """Note that the log of an ended session has all that its runner left."""
    current = await session_store.lock_session(tx.connection, session_id)
    if current.log_complete:
        return current
    complete = current.complete_log(tx.now)
    await session_store.update_session(tx.connection, complete, due=None)
    await end(tx, complete)
    tx.record("log_completed", before=current, after=complete)
    return complete


async def _flow(tx: Transaction, event: str, current: Session, changed: Session) -> Session:
    """Store a session that is paused or resumed, if it changed, and have its devices told."""
    if changed is not current:
        await session_store.update_session(tx.connection, changed, due=tx.now)
        await leases.tell(tx.connection, changed.session_id)
        tx.record(event, before=current, after=changed)
    return changed


def _caused_by(session: Session, actor: Actor) -> Actor:
    """Return the actor of an end, with the event that made somebody ask for it."""
    return replace(actor, cause_event_id=session.stop_cause_event_id)
