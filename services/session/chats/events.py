"""How chats appear in change events. What is said stays out of them."""

from chassis.changes import EntityKind
from services.session.chats import convert, store
from services.session.chats.domain import Chat, ChatMessage, Participant

KINDS = (
    EntityKind("chat", Chat, convert.chat_to_proto, store.get_chat),
    EntityKind("participant", Participant, convert.participant_to_proto, store.get_participant),
    EntityKind("chat_message", ChatMessage, convert.message_to_proto, store.get_message),
)
