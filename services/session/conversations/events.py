"""How contexts, messages and actions appear in change events. What is said stays out of them."""

from chassis.changes import EntityKind
from services.session.conversations import convert
from services.session.conversations.domain.action import Action
from services.session.conversations.domain.context import Context, Message
from services.session.conversations.store import action_store, context_store

KINDS = (
    EntityKind("context", Context, convert.context_to_proto, context_store.get_context),
    EntityKind("action", Action, convert.action_to_proto, action_store.get_action),
    EntityKind("message", Message, convert.message_to_proto, context_store.get_message),
)
