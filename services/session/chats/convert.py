"""Chats as messages of the contract."""

from collections.abc import Iterable

from stateroom.session.v1 import chat_pb2 as pb

from chassis import etag, messages
from services.session.chats.domain import Chat, ChatMessage, Participant, Seat

CREATOR_SETS = ("is_private", "open_to_anyone_with_invite", "config")


def chat_to_proto(chat: Chat) -> pb.Chat:
    """Return a chat's public form, as nobody in particular sees it."""
    message = pb.Chat(
        chat_id=str(chat.chat_id),
        creator_id=str(chat.creator_id),
        is_private=chat.is_private,
        open_to_anyone_with_invite=chat.open_to_anyone_with_invite,
        config=chat.config,
        team_id="" if chat.team_id is None else str(chat.team_id),
        etag=etag.of(chat),
    )
    messages.set_times(message, chat, "create_time", "update_time")
    return message


def seat_to_proto(seat: Seat) -> pb.Chat:
    """Return a chat as a user sees it."""
    message = chat_to_proto(seat.chat)
    message.unread_count, message.has_unread = seat.unread_count, seat.unread_count > 0
    return message


def values_from_proto(message: pb.Chat, names: Iterable[str] = CREATOR_SETS) -> dict[str, object]:
    """Return the fields of these names as a chat holds them."""
    return {name: dict(message.config) if name == "config" else getattr(message, name) for name in names}


def participant_to_proto(participant: Participant) -> pb.Participant:
    """Return a participant's public form."""
    message = pb.Participant(
        participant_id=str(participant.participant_id),
        chat_id=str(participant.chat_id),
        user_id=str(participant.user_id),
        read_sequence=participant.read_sequence,
        etag=etag.of(participant),
    )
    messages.set_times(message, participant, "create_time")
    return message


def message_to_proto(message: ChatMessage) -> pb.ChatMessage:
    """Return a message's public form."""
    said = pb.ChatMessage(
        chat_message_id=str(message.chat_message_id),
        chat_id=str(message.chat_id),
        sequence=message.sequence,
        author_id=str(message.author_id),
        content=message.content,
        etag=etag.of(message),
    )
    messages.set_times(said, message, "create_time")
    return said
