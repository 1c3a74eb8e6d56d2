"""Changes of policies, and what a look at a session brings about."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chassis import etag as tags
from chassis import ids
from chassis.database import Transaction
from services.session.idleness import store
from services.session.idleness.domain import IdlePolicy, Verdict, Watched
from services.session.sessions.domain import Session, State, StopReason
from services.session.sessions.spec import Kind
from services.session.sessions.store import leases, session_store


async def update_idle_policy(tx: Transaction, *, values: Mapping[str, object], etag: str) -> IdlePolicy:
    """Change the account's policy, and have its sessions looked at.

    Raises:
        EtagRequired, EtagMismatch: the caller does not say what was read, or it changed since.
        InvalidField: the warning is not shorter than the time before it.
    """
    await store.lock_policies(tx.connection, tx.account_id)
    own = await store.find_policy(tx.connection, tx.account_id)
    current = own or IdlePolicy.usual(ids.new(), tx.account_id, tx.now)
    tags.demand(current, etag)
    updated = current.update(tx.now, values)
    if own is None:
        updated = replace(updated, version=1)
        await store.insert_policy(tx.connection, updated)
    elif updated is not own:
        await store.update_policy(tx.connection, updated)
    else:
        return own
    await store.look_again(tx.connection, tx.now)
    tx.record("created" if own is None else "updated", before=own, after=updated)
    return updated


async def look(tx: Transaction, *, session_id: UUID, policy: IdlePolicy, used: int | None) -> datetime | None:
    """Note what processor time a session has used, and warn its devices, take that back or end it, as the policy says.

    `used` is in milliseconds, None when nobody asked because nothing depends on it. Returns when to look again; None
    for a session that ends.
    """
    current = await session_store.lock_session(tx.connection, session_id)
    if current.kind is Kind.AGENT and await store.waits_for_answer(tx.connection, session_id):
        await session_store.note_activity(tx.connection, [session_id], tx.now)
    watched = await store.find_watched(tx.connection, session_id)
    if watched is None or watched.ending:
        return None
    if not current.state.runs:
        return tx.now + policy.look
    idle_since = await _note(tx, watched, used)
    if current.parent_session_id is not None:  # who waits for what it started is at work as well
        await session_store.note_activity(tx.connection, [current.parent_session_id], idle_since)
    counts = used is not None and current.state is State.ACTIVE and not policy.off
    end = policy.end_of(idle_since, current.idle_end_time, tx.now) if counts else None
    if end is not None and end == current.idle_end_time and tx.now >= end:
        await _stop(tx, current)
        return None
    if end != current.idle_end_time:
        await _announce(tx, current, end)
    next_look = tx.now + policy.look
    return min(next_look, end or idle_since + policy.idle_after - policy.warning) if counts else next_look


async def end_idle(tx: Transaction, *, session_id: UUID, policy: IdlePolicy, used: int | None) -> Verdict:
    """End a session, if it is idle at this moment, and say what becomes of it."""
    current = await session_store.lock_session(tx.connection, session_id)
    watched = await store.find_watched(tx.connection, session_id)
    if watched is None:
        return Verdict.UNDER_WAY
    verdict = watched.judge(policy, tx.now, used)
    if verdict is Verdict.ENDS:
        await _stop(tx, current)
    return verdict


async def _note(tx: Transaction, watched: Watched, used: int | None) -> datetime:
    """Note the processor time, if it changed, and return since when nothing works. A first look only measures."""
    if used is None or used == watched.cpu_milliseconds:
        return watched.last_work_time
    cpu_time = watched.cpu_time if watched.cpu_milliseconds is None else tx.now
    await store.note_cpu(tx.connection, watched.session_id, used, cpu_time)
    return max(watched.last_activity_time, cpu_time)


async def _announce(tx: Transaction, current: Session, end: datetime | None) -> None:
    changed = current.expect_end(tx.now, end)
    await session_store.update_details(tx.connection, changed)
    await leases.tell(tx.connection, changed.session_id)
    tx.record("idle_warned" if end is not None else "idle_warning_lifted", before=current, after=changed)


async def _stop(tx: Transaction, current: Session) -> None:
    stopping = current.request_stop(tx.now, StopReason.IDLE, tx.actor.cause_event_id)
    await session_store.update_session(tx.connection, stopping, due=tx.now)
    tx.record("stop_requested", before=current, after=stopping)
