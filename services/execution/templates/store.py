"""Writes of templates, and reads by id."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql

from chassis import ids, tables
from chassis.database import Transaction
from chassis.sql import Connection
from services.execution.templates.domain import Template
from services.execution.templates.errors import TemplateNotFound
from services.execution.templates.tables import ratings, templates, uses

COLUMNS = [templates.c[field.name] for field in fields(Template)]
"""The columns that make a Template."""


def template_of(values: Mapping[str, Any]) -> Template:
    """Return a row as a template."""
    return Template(**dict(values) | {"tags": tuple(values["tags"])})


async def insert_template(connection: Connection, template: Template) -> None:
    """Store a new template."""
    await connection.execute(insert(templates).values(**_row(template)))


async def update_template(connection: Connection, template: Template) -> None:
    """Store a changed template."""
    statement = update(templates).where(templates.c.template_id == template.template_id)
    await connection.execute(statement.values(**_row(template)))


async def get_template(connection: Connection, template_id: UUID) -> Template:
    """Return a template that the account sees, a deleted one of its own too. TemplateNotFound."""
    statement = select(*COLUMNS).where(templates.c.template_id == template_id)
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise TemplateNotFound(template_id)
    return template_of(dict(row))


async def lock_template(connection: Connection, template_id: UUID) -> Template:
    """Return a template of the account itself, and hold it. TemplateNotFound."""
    statement = select(*COLUMNS).where(templates.c.template_id == template_id).with_for_update()
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise TemplateNotFound(template_id)
    return template_of(dict(row))


async def insert_use(tx: Transaction, template_id: UUID) -> None:
    """Note that something was made of a template."""
    values = {"use_id": ids.new(), "account_id": tx.account_id, "template_id": template_id, "use_time": tx.now}
    await tx.connection.execute(insert(uses).values(**values))


async def put_rating(tx: Transaction, template_id: UUID, user_id: UUID, rating: int) -> None:
    """Note what somebody thinks of a template, in place of what they thought before."""
    values = {"template_id": template_id, "user_id": user_id, "account_id": tx.account_id}
    said = {"rating": rating, "rate_time": tx.now}
    statement = postgresql.insert(ratings).values(**values, **said)
    await tx.connection.execute(statement.on_conflict_do_update(constraint="pk_template_ratings", set_=said))


def _row(template: Template) -> dict[str, Any]:
    lists = {"tags": list(template.tags), "data": dict(template.data), "parameters": dict(template.parameters)}
    return tables.row_of(template) | lists
