"""Reads of templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select

from chassis.sql import Connection
from services.execution.templates import store
from services.execution.templates.domain import NOBODY, Template, Type
from services.execution.templates.tables import templates


@dataclass(frozen=True, slots=True)
class Filter:
    """Which templates a list has: what is empty or None does not narrow it. A template has any of the `tags`."""

    type: Type | None = None
    category: str = ""
    tags: tuple[str, ...] = ()
    words: str = ""
    is_official: bool = False
    is_public: bool = False
    show_deleted: bool = False


async def get_template(connection: Connection, *, template_id: UUID) -> Template:
    """Return a template that the account sees, a deleted one of its own too. TemplateNotFound."""
    return await store.get_template(connection, template_id)


async def list_templates(connection: Connection, *, wanted: Filter, limit: int, after: UUID | None) -> list[Template]:
    """Return templates that the account sees, newest first."""
    statement = _narrowed(select(*store.COLUMNS), wanted).order_by(templates.c.template_id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(templates.c.template_id < after)
    return [store.template_of(dict(row)) for row in (await connection.execute(statement)).mappings()]


async def list_chosen(connection: Connection, *, wanted: Filter, template_ids: Sequence[UUID]) -> list[Template]:
    """Return those of the templates that the account sees and that fit, in the order of their ids here."""
    statement = _narrowed(select(*store.COLUMNS), wanted).where(templates.c.template_id.in_(template_ids))
    found = {
        row["template_id"]: store.template_of(dict(row)) for row in (await connection.execute(statement)).mappings()
    }
    return [found[each] for each in template_ids if each in found]


def _narrowed(statement: Select[tuple[object, ...]], wanted: Filter) -> Select[tuple[object, ...]]:
    columns = templates.c
    for column, value in (
        (columns.type, wanted.type),
        (columns.category, wanted.category or None),
        (columns.account_id, NOBODY if wanted.is_official else None),
        (columns.is_public, wanted.is_public or None),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.tags:
        statement = statement.where(columns.tags.overlap(list(wanted.tags)))
    if wanted.words:
        name, description = (
            each.icontains(wanted.words, autoescape=True) for each in (columns.name, columns.description)
        )
        statement = statement.where(name | description)
    return statement if wanted.show_deleted else statement.where(columns.delete_time.is_(None))
