"""Reads of previews."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, true

from chassis import tables
from chassis.sql import Connection
from services.session.previews import store
from services.session.previews.domain import Preview, State
from services.session.previews.tables import previews

VISITED = timedelta(minutes=1)
"""For how long after it a visit counts."""


async def get_preview(connection: Connection, *, preview_id: UUID) -> Preview:
    """Return a preview. PreviewNotFound."""
    return await store.get_preview(connection, preview_id)


async def is_visited(connection: Connection, *, preview_id: UUID) -> bool:
    """Whether somebody was connected to a preview within the last minute."""
    lately = previews.c.visit_time > func.now() - VISITED
    found = await connection.execute(select(true()).where(previews.c.preview_id == preview_id, lately))
    return found.one_or_none() is not None


async def list_previews(
    connection: Connection,
    *,
    workspace_id: UUID | None,
    context_id: UUID | None,
    state: State | None,
    limit: int,
    after: UUID | None,
) -> list[Preview]:
    """Return the account's previews, newest first."""
    statement = store.selected().where(previews.c.delete_time.is_(None))
    statement = statement.order_by(previews.c.preview_id.desc()).limit(limit)
    wanted = ((previews.c.workspace_id, workspace_id), (previews.c.context_id, context_id), (previews.c.state, state))
    for column, value in wanted:
        if value is not None:
            statement = statement.where(column == value)
    if after is not None:
        statement = statement.where(previews.c.preview_id < after)
    return [tables.to(Preview, row) for row in await connection.execute(statement)]
