"""Changes of templates, and what is made of them."""

from uuid import UUID

from chassis import etag as tags
from chassis.database import Transaction
from services.execution.templates import store
from services.execution.templates.domain import Template
from services.execution.versions.operations import create_version
from services.execution.versions.store import Family, V


async def create_template(tx: Transaction, *, template: Template) -> Template:
    """Make a template."""
    await store.insert_template(tx.connection, template)
    tx.record("created", after=template)
    return template


async def instantiate(tx: Transaction, *, template_id: UUID, family: Family[V], version: V) -> V:
    """Store the first version that was made of a template. TemplateNotFound."""
    await _expect_kept(tx, template_id)
    await store.insert_use(tx, template_id)
    return await create_version(tx, family=family, version=version)


async def use(tx: Transaction, *, template_id: UUID) -> Template:
    """Note that something was made of a template that is stored nowhere. TemplateNotFound."""
    template = await _expect_kept(tx, template_id)
    await store.insert_use(tx, template_id)
    return template


async def rate_template(tx: Transaction, *, template_id: UUID, rating: int) -> Template:
    """Note what the caller thinks of a template. TemplateNotFound."""
    template = await _expect_kept(tx, template_id)
    await store.put_rating(tx, template_id, UUID(tx.actor.subject), rating)
    seen = template.seen_from(tx.account_id)
    tx.record("rated", before=seen, after=seen)
    return template


async def delete_template(tx: Transaction, *, template_id: UUID, etag: str) -> Template:
    """Delete a template of the account. TemplateNotFound, EtagMismatch."""
    current = await store.lock_template(tx.connection, template_id)
    tags.expect(current, etag)
    return await _change(tx, "deleted", current, current.delete(tx.now, UUID(tx.actor.subject)))


async def undelete_template(tx: Transaction, *, template_id: UUID, etag: str) -> Template:
    """Bring a template back. TemplateNotFound, EtagMismatch, TemplateNotDeleted."""
    current = await store.lock_template(tx.connection, template_id)
    tags.expect(current, etag)
    return await _change(tx, "undeleted", current, current.undelete(tx.now))


async def _expect_kept(tx: Transaction, template_id: UUID) -> Template:
    template = await store.get_template(tx.connection, template_id)
    template.expect_kept()
    return template


async def _change(tx: Transaction, type: str, before: Template, after: Template) -> Template:  # noqa: A002  # the event's own word
    await store.update_template(tx.connection, after)
    tx.record(type, before=before, after=after)
    return after
