"""Changes of actions."""

from uuid import UUID

from chassis import etag as tags
from chassis import ids
from chassis.database import Transaction
from services.session.conversations.domain import context
from services.session.conversations.domain.action import Action, ActionSpec, Outcome, State
from services.session.conversations.domain.context import Metadata, Role, Saying
from services.session.conversations.operations import contexts
from services.session.conversations.store import action_store, context_store
from services.session.sessions import operations as sessions
from services.session.sessions.spec import SessionSpec

NOBODY = 0
"""The process that copies the log of a session until somebody takes it over."""


async def create_action(tx: Transaction, *, context_id: UUID, spec: ActionSpec) -> Action:
    """Ask for something to be done. ContextNotFound; ContextInWrongState unless the context is ACTIVE."""
    about = await context_store.lock_context(tx.connection, context_id)
    about.expect(context.State.ACTIVE)
    action = Action(
        action_id=ids.new(),
        account_id=tx.account_id,
        context_id=context_id,
        workspace_id=about.workspace_id,
        user_id=UUID(tx.actor.subject),
        type=spec.type,
        payload=spec.payload,
        timeout=spec.timeout,
        state=State.PENDING,
        cancel_requested=False,
        result=None,
        failure=None,
        session_id=None,
        preview_id=None,
        runner_id="",
        version=1,
        create_time=tx.now,
        update_time=tx.now,
        end_time=None,
    )
    await action_store.insert_action(tx.connection, action)
    tx.record("created", after=action)
    return action


async def undo_action(tx: Transaction, *, action_id: UUID) -> Action:
    """Ask for an action's changes to be taken back. ActionNotFound, ActionNotUndoable, and as for a new action."""
    done = await action_store.get_action(tx.connection, action_id)
    return await create_action(tx, context_id=done.context_id, spec=done.undo())


async def cancel_action(tx: Transaction, *, action_id: UUID, etag: str) -> Action:
    """Ask for an action to be ended. ActionNotFound, EtagMismatch, ActionEnded. A second wish changes nothing."""
    current = await action_store.lock_action(tx.connection, action_id)
    tags.expect(current, etag)
    wanted = current.request_cancel(tx.now)
    if current.cancel_requested:
        return current
    due = None if wanted.state.final else tx.now
    await action_store.update_action(tx.connection, wanted, due=due)
    tx.record("cancelled" if wanted.state.final else "cancel_requested", before=current, after=wanted)
    return wanted


async def assign_run(
    tx: Transaction, *, action_id: UUID, replaces: UUID | None, spec: SessionSpec, runner_id: str, limit: int
) -> Action:
    """Give an action a session, still to be started, that is its run.

    Args:
        tx: of the action's account.
        action_id: the action.
        replaces: the session that it has now; with another one by now, or when it has ended, nothing changes.
        spec: of the session.
        runner_id: the run of the runner that is to run it.
        limit: how many live sessions the account may have.

    Raises:
        SessionLimitReached: it has as many.
    """
    current = await action_store.lock_action(tx.connection, action_id)
    if current.state.final or current.session_id != replaces:
        return current
    await sessions.create_session(tx, spec=spec, copier_process=NOBODY, limit=limit, start_lease=None)
    return await note_run(tx, current, current.assign(tx.now, runner_id, spec.session_id))


async def note_run(tx: Transaction, current: Action, assigned: Action) -> Action:
    """Note what runs for an action, whose row is locked."""
    await action_store.update_claimed(tx.connection, assigned)
    tx.record("assigned", before=current, after=assigned)
    return assigned


async def begin_action(tx: Transaction, *, action_id: UUID) -> Action:
    """Note that an action's run has begun; again changes nothing."""
    current = await action_store.lock_action(tx.connection, action_id)
    if current.state is not State.PENDING:
        return current
    running = current.begin(tx.now)
    await action_store.update_claimed(tx.connection, running)
    tx.record("started", before=current, after=running)
    return running


async def end_action(tx: Transaction, *, action_id: UUID, outcome: Outcome) -> Action:
    """Note what an action's run said, and say it in the context; again changes nothing."""
    # In the order in which all lock them: the context first.
    about = await context_store.lock_context(
        tx.connection, (await action_store.get_action(tx.connection, action_id)).context_id
    )
    current = await action_store.lock_action(tx.connection, action_id)
    if current.state.final:
        return current
    ended = current.end(tx.now, outcome)
    await action_store.update_action(tx.connection, ended, due=None)
    tx.record(ended.state.name.lower(), before=current, after=ended)
    if about.state is context.State.ACTIVE:
        await contexts.create_message(tx, context_id=about.context_id, saying=_told(ended))
    return ended


def _told(action: Action) -> Saying:
    cause = f": {action.failure.message}" if action.failure is not None else "."
    content = f"{action.type.name} {action.state.name.lower()}{cause}"
    return Saying(Role.SYSTEM, None, content, Metadata("action_ended", (str(action.action_id),)))
