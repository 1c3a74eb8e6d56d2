"""How templates appear in change events."""

from chassis.changes import EntityKind
from services.execution.templates import convert, store
from services.execution.templates.domain import Template

TEMPLATE = EntityKind("template", Template, convert.template_to_proto, store.get_template)
