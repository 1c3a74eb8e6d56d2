"""Writes of chats, and reads by id."""

from dataclasses import fields
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from chassis import tables
from chassis.sql import Connection
from services.session.channel import CHANNEL
from services.session.chats.domain import Chat, ChatMessage, Participant, Seat
from services.session.chats.errors import ChatMessageNotFound, ChatNotFound, ParticipantNotFound
from services.session.chats.tables import chats, messages, participants

CHAT_COLUMNS = [chats.c[field.name] for field in fields(Chat)]
PARTICIPANT_COLUMNS = [participants.c[field.name] for field in fields(Participant)]
MESSAGE_COLUMNS = [messages.c[field.name] for field in fields(ChatMessage)]


async def insert_chat(connection: Connection, chat: Chat) -> None:
    """Store a new chat."""
    await connection.execute(insert(chats).values(**tables.row_of(chat)))


async def update_chat(connection: Connection, chat: Chat) -> None:
    """Store a changed chat."""
    await connection.execute(update(chats).where(chats.c.chat_id == chat.chat_id).values(**tables.row_of(chat)))


async def get_chat(connection: Connection, chat_id: UUID) -> Chat:
    """Return a chat of the account. ChatNotFound."""
    row = (await connection.execute(select(*CHAT_COLUMNS).where(chats.c.chat_id == chat_id))).one_or_none()
    if row is None:
        raise ChatNotFound(chat_id)
    return tables.to(Chat, row)


async def lock_team_chat(connection: Connection, team_id: UUID) -> Chat | None:
    """Return the chat of a team and hold its row until the transaction ends; None before there is one."""
    statement = select(*CHAT_COLUMNS).where(chats.c.team_id == team_id).with_for_update()
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else tables.to(Chat, row)


async def get_seat(connection: Connection, chat_id: UUID, user_id: UUID, *, lock: bool = False) -> Seat:
    """Return a chat as a user sees it; its row is held until the transaction ends, if wished. ChatNotFound."""
    statement = select(*CHAT_COLUMNS).where(chats.c.chat_id == chat_id)
    row = (await connection.execute(statement.with_for_update() if lock else statement)).one_or_none()
    if row is None:
        raise ChatNotFound(chat_id)
    return Seat(tables.to(Chat, row), user_id, await find_participant(connection, chat_id, user_id))


async def find_participant(connection: Connection, chat_id: UUID, user_id: UUID) -> Participant | None:
    """Return a user's part in a chat; None for none."""
    statement = select(*PARTICIPANT_COLUMNS).where(participants.c.chat_id == chat_id, participants.c.user_id == user_id)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else tables.to(Participant, row)


async def get_participant(connection: Connection, participant_id: UUID) -> Participant:
    """Return a participant of the account. ParticipantNotFound."""
    statement = select(*PARTICIPANT_COLUMNS).where(participants.c.participant_id == participant_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise ParticipantNotFound(participant_id)
    return tables.to(Participant, row)


async def count_participants(connection: Connection, chat_id: UUID) -> int:
    """Return how many take part in a chat."""
    statement = select(func.count()).where(participants.c.chat_id == chat_id)
    return int((await connection.execute(statement)).scalar_one())


async def insert_participant(connection: Connection, participant: Participant) -> None:
    """Store a new participant."""
    await connection.execute(insert(participants).values(**tables.row_of(participant)))


async def delete_participant(connection: Connection, participant: Participant) -> None:
    """Remove a participant, and let those who follow the chat know: one of them may see it no more."""
    mine = participants.c.participant_id == participant.participant_id
    await connection.execute(delete(participants).where(mine))
    await _tell(connection, participant.chat_id)


async def mark_read(connection: Connection, participant: Participant) -> None:
    """Store how far somebody has read."""
    mine = participants.c.participant_id == participant.participant_id
    await connection.execute(update(participants).where(mine).values(read_sequence=participant.read_sequence))


async def insert_message(connection: Connection, message: ChatMessage) -> None:
    """Store the newest message of a chat whose row is held, and let those who follow the chat know."""
    counted = update(chats).where(chats.c.chat_id == message.chat_id)
    await connection.execute(counted.values(message_count=message.sequence))
    await connection.execute(insert(messages).values(**tables.row_of(message)))
    await _tell(connection, message.chat_id)


async def get_message(connection: Connection, chat_message_id: UUID) -> ChatMessage:
    """Return a message of the account. ChatMessageNotFound."""
    statement = select(*MESSAGE_COLUMNS).where(messages.c.chat_message_id == chat_message_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise ChatMessageNotFound(chat_message_id)
    return tables.to(ChatMessage, row)


async def _tell(connection: Connection, chat_id: UUID) -> None:
    await connection.execute(select(func.pg_notify(CHANNEL, str(chat_id))))
