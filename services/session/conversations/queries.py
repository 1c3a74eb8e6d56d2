"""Reads of contexts, messages and actions."""

from uuid import UUID

from sqlalchemy import select

from chassis.errors import InvalidField, Violation
from chassis.sql import Connection
from services.session.conversations.domain import action
from services.session.conversations.domain.action import LIVE, Action, Type
from services.session.conversations.domain.context import Context, Message, State
from services.session.conversations.errors import NoActiveContext
from services.session.conversations.store import action_store
from services.session.conversations.store import context_store as store
from services.session.conversations.tables import actions, contexts, messages


async def get_context(connection: Connection, *, context_id: UUID) -> Context:
    """Return a context of the account, deleted ones too. ContextNotFound."""
    return await store.get_context(connection, context_id)


async def expect_open(connection: Connection, *, context_id: UUID, workspace_id: UUID) -> None:
    """Raise what keeps something in a workspace from belonging to a context.

    Raises:
        ContextNotFound, ContextInWrongState: it is not there, or over.
        InvalidField: it is about another workspace.
    """
    context = await store.get_context(connection, context_id)
    context.expect(State.SETUP, State.ACTIVE)
    if context.workspace_id != workspace_id:
        raise InvalidField(Violation("session.agent.context_id", "is a context of another workspace"))


async def get_active_context(connection: Connection, *, user_id: UUID, workspace_id: UUID | None) -> Context:
    """Return the user's active context that was changed last, of one workspace or of all. NoActiveContext."""
    statement = (
        select(*store.COLUMNS)
        .where(contexts.c.user_id == user_id, contexts.c.state == State.ACTIVE, contexts.c.delete_time.is_(None))
        .order_by(contexts.c.update_time.desc(), contexts.c.context_id.desc())
        .limit(1)
    )
    if workspace_id is not None:
        statement = statement.where(contexts.c.workspace_id == workspace_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise NoActiveContext
    return store.context_of(row)


async def list_contexts(  # noqa: PLR0913  # filters, each by its own name
    connection: Connection,
    *,
    user_id: UUID,
    workspace_id: UUID | None,
    state: State | None,
    show_deleted: bool,
    limit: int,
    after: UUID | None,
) -> list[Context]:
    """Return the user's contexts, newest first."""
    statement = select(*store.COLUMNS).where(contexts.c.user_id == user_id)
    for column, value in ((contexts.c.workspace_id, workspace_id), (contexts.c.state, state)):
        if value is not None:
            statement = statement.where(column == value)
    if not show_deleted:
        statement = statement.where(contexts.c.delete_time.is_(None))
    if after is not None:
        statement = statement.where(contexts.c.context_id < after)
    rows = await connection.execute(statement.order_by(contexts.c.context_id.desc()).limit(limit))
    return [store.context_of(row) for row in rows]


async def list_messages(connection: Connection, *, context_id: UUID, after: int, limit: int) -> list[Message]:
    """Return what was said in a context after a sequence, oldest first. ContextNotFound."""
    await store.get_context(connection, context_id)
    statement = (
        select(*store.MESSAGE_COLUMNS)
        .where(messages.c.context_id == context_id, messages.c.sequence > after)
        .order_by(messages.c.sequence)
        .limit(limit)
    )
    return [store.message_of(row) for row in await connection.execute(statement)]


async def get_action(connection: Connection, *, action_id: UUID) -> Action:
    """Return an action of the account. ActionNotFound."""
    return await action_store.get_action(connection, action_id)


async def list_actions(  # noqa: PLR0913  # filters, each by its own name
    connection: Connection,
    *,
    context_id: UUID,
    state: action.State | None = None,
    type: Type | None = None,  # noqa: A002  # the field's name
    ended: bool = False,
    limit: int,
    after: UUID | None,
) -> list[Action]:
    """Return the actions of a context, newest first; only those that have ended, if wished. ContextNotFound."""
    await store.get_context(connection, context_id)
    statement = select(*action_store.COLUMNS).where(actions.c.context_id == context_id)
    for column, value in ((actions.c.state, state), (actions.c.type, type)):
        if value is not None:
            statement = statement.where(column == value)
    if ended:
        statement = statement.where(actions.c.state.not_in(LIVE))
    if after is not None:
        statement = statement.where(actions.c.action_id < after)
    rows = await connection.execute(statement.order_by(actions.c.action_id.desc()).limit(limit))
    return [action_store.action_of(row) for row in rows]
