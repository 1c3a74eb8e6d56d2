"""Changes of previews."""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from chassis import etag as tags
from chassis.database import Transaction
from chassis.rpc.credential import Credential
from services.session.conversations.operations import actions
from services.session.conversations.store import action_store, context_store
from services.session.previews import store
from services.session.previews.domain import STOPPED_BY_SOMEBODY, NewPreview, Preview, State
from services.session.previews.errors import PreviewLimitReached, PreviewPassRefused
from services.session.sessions import operations as session_operations
from services.session.sessions.domain import Session, StopReason
from services.session.sessions.errors import SessionNotActive
from services.session.sessions.spec import SessionSpec


async def create_preview(tx: Transaction, *, wanted: NewPreview) -> Preview:
    """Create a preview, and with it the session of its command.

    Raises:
        ContextNotFound, InvalidField: its context is not there, or of another workspace.
        PreviewLimitReached, SessionLimitReached: the account has as many as it may have.
    """
    spec, session = wanted.spec, wanted.session
    if spec.context_id is not None:
        context = await context_store.get_context(tx.connection, spec.context_id)
        context.expect_kept()
        spec.expect_workspace(context.workspace_id)
    if await store.count_previews(tx.connection, tx.account_id) >= wanted.limit:
        raise PreviewLimitReached(wanted.limit)
    if session is not None:
        await session_operations.create_session(
            tx, spec=session, copier_process=wanted.copier_process, limit=wanted.session_limit
        )
    preview = Preview.create(tx.now, tx.account_id, spec, session.session_id if session else None)
    await store.insert_preview(tx.connection, preview, due=tx.now)
    tx.record("created", after=preview)
    return preview


async def deploy_preview(tx: Transaction, *, action_id: UUID, runner_id: str, wanted: NewPreview) -> Preview | None:
    """Create the preview that an action wants, as its run; None when it has one or has ended. As `create_preview`."""
    action = await action_store.lock_action(tx.connection, action_id)
    if action.state.final or action.has_run:
        return None
    preview = await create_preview(tx, wanted=wanted)
    await actions.note_run(tx, action, action.assign(tx.now, runner_id, preview.session_id, preview.preview_id))
    return preview


async def restart_preview(
    tx: Transaction,
    *,
    preview_id: UUID,
    session: SessionSpec | None,
    environment_names: tuple[str, ...],
    copier_process: int,
    session_limit: int,
) -> Preview:
    """Start a preview again, with its command in a new session; one that it has meanwhile ends.

    Raises:
        PreviewNotFound, SessionLimitReached: it cannot be started.
    """
    current = await store.lock_preview(tx.connection, preview_id)
    await _end_session(tx, current)
    if session is not None:
        await session_operations.create_session(tx, spec=session, copier_process=copier_process, limit=session_limit)
    restarted = current.restart(tx.now, session.session_id if session else None, environment_names)
    await store.update_preview(tx.connection, restarted, due=tx.now)
    tx.record("restarted", before=current, after=restarted)
    return restarted


async def end_command(tx: Transaction, *, preview_id: UUID, etag: str) -> Preview:
    """Have the command of a preview ended, before it is started again. PreviewNotFound, EtagMismatch."""
    current = await store.lock_preview(tx.connection, preview_id)
    tags.expect(current, etag)
    await _end_session(tx, current)
    return current


async def stop_preview(
    tx: Transaction, *, preview_id: UUID, cause: str = STOPPED_BY_SOMEBODY, etag: str = ""
) -> Preview:
    """Stop a preview and have its command ended. Again changes nothing. PreviewNotFound, EtagMismatch."""
    current = await store.lock_preview(tx.connection, preview_id)
    tags.expect(current, etag)
    await _end_session(tx, current)
    return await _store(tx, "stopped", current, current.stop(tx.now, cause), due=None)


async def delete_preview(tx: Transaction, *, preview_id: UUID, etag: str) -> Preview:
    """Stop a preview and forget it and its passes. PreviewNotFound, EtagMismatch."""
    current = await store.lock_preview(tx.connection, preview_id)
    tags.expect(current, etag)
    await _end_session(tx, current)
    await store.delete_passes(tx.connection, preview_id)
    return await _store(tx, "deleted", current, current.delete(tx.now), due=None)


async def note_answer(tx: Transaction, *, preview_id: UUID) -> Preview:
    """Note that a preview answers."""
    current = await store.lock_preview(tx.connection, preview_id)
    return await _store(tx, "answered", current, current.answered(tx.now), due=tx.now + current.health_interval)


async def note_failure(tx: Transaction, *, preview_id: UUID, cause: str) -> Preview:
    """Note that a preview does not answer."""
    current = await store.lock_preview(tx.connection, preview_id)
    return await _store(tx, "failed", current, current.failed(tx.now, cause), due=tx.now + current.health_interval)


async def note_visit(tx: Transaction, *, preview_id: UUID) -> None:
    """Note that somebody is connected to a preview. That is no change of it: the audit log says who came in."""
    await store.note_visit(tx.connection, preview_id)


async def note_end(tx: Transaction, *, preview_id: UUID, session: Session) -> Preview:
    """Note that the session of a preview's command ended, unless the preview has another one by now."""
    current = await store.lock_preview(tx.connection, preview_id)
    if current.session_id != session.session_id:
        return current
    ended = current.ended(tx.now, session)
    return await _store(tx, "stopped" if ended.state is State.STOPPED else "failed", current, ended, due=None)


async def issue_ticket(tx: Transaction, *, preview_id: UUID, ticket: Credential) -> tuple[Preview, datetime]:
    """Store a ticket for a preview; returns the preview and when the ticket expires. PreviewNotFound.

    It is on record, as is its use, although neither changes the preview: somebody may ask who was there.
    """
    preview = await store.get_preview(tx.connection, preview_id)
    holder = store.Holder(tx.account_id, UUID(tx.actor.credential_id), tx.actor.subject)
    expire_time = await store.insert_ticket(tx.connection, preview, ticket, holder)
    tx.record("opened", before=preview, after=preview)
    return preview, expire_time


async def redeem_ticket(
    tx: Transaction, *, preview_id: UUID, ticket: Credential, made: Credential, until: datetime
) -> None:
    """Make a ticket a pass with another secret, which works until then. PreviewPassRefused."""
    if not await store.redeem(tx.connection.driver, preview_id, ticket, made, until):
        raise PreviewPassRefused
    preview = await store.get_preview(tx.connection, preview_id)
    tx.record("entered", before=preview, after=preview)


async def _store(tx: Transaction, what: str, before: Preview, after: Preview, due: datetime | None) -> Preview:
    """Store what a preview became and record it, if it is anything new."""
    if after is not before:
        await store.update_preview(tx.connection, after, due=due)
        tx.record(what, before=before, after=after)
    return after


async def _end_session(tx: Transaction, preview: Preview) -> None:
    if preview.session_id is not None:
        with suppress(SessionNotActive):
            await session_operations.request_stop(tx, session_id=preview.session_id, reason=StopReason.TERMINATED)
