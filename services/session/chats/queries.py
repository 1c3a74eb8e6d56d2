"""Reads of chats, each as one user sees it."""

from uuid import UUID

from sqlalchemy import select

from chassis import tables
from chassis.sql import Connection
from services.session.chats import store
from services.session.chats.domain import Chat, ChatMessage, Participant, Seat
from services.session.chats.tables import chats, messages, participants


async def get_seat(connection: Connection, *, chat_id: UUID, user_id: UUID) -> Seat:
    """Return a chat as a user sees it. ChatNotFound where they may not."""
    seat = await store.get_seat(connection, chat_id, user_id)
    seat.expect_sight()
    return seat


async def list_seats(connection: Connection, *, user_id: UUID, limit: int, after: UUID | None) -> list[Seat]:
    """Return the chats in which a user takes part, newest first."""
    statement = (
        select(*store.CHAT_COLUMNS)
        .join(participants, participants.c.chat_id == chats.c.chat_id)
        .where(participants.c.user_id == user_id)
        .order_by(chats.c.chat_id.desc())
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(chats.c.chat_id < after)
    found = [tables.to(Chat, row) for row in await connection.execute(statement)]
    mine = participants.c.chat_id.in_([chat.chat_id for chat in found]) & (participants.c.user_id == user_id)
    rows = await connection.execute(select(*store.PARTICIPANT_COLUMNS).where(mine)) if found else ()
    parts = {row.chat_id: tables.to(Participant, row) for row in rows}
    return [Seat(chat, user_id, parts[chat.chat_id]) for chat in found if chat.chat_id in parts]


async def list_participants(
    connection: Connection, *, chat_id: UUID, user_id: UUID, limit: int, after: UUID | None
) -> list[Participant]:
    """Return who takes part in a chat that a user sees, first come first. ChatNotFound."""
    await get_seat(connection, chat_id=chat_id, user_id=user_id)
    statement = select(*store.PARTICIPANT_COLUMNS).where(participants.c.chat_id == chat_id)
    if after is not None:
        statement = statement.where(participants.c.participant_id > after)
    rows = await connection.execute(statement.order_by(participants.c.participant_id).limit(limit))
    return [tables.to(Participant, row) for row in rows]


async def list_messages(
    connection: Connection, *, chat_id: UUID, user_id: UUID, after: int, limit: int
) -> list[ChatMessage]:
    """Return what was said after a sequence in a chat that a user sees, oldest first. ChatNotFound."""
    await get_seat(connection, chat_id=chat_id, user_id=user_id)
    statement = (
        select(*store.MESSAGE_COLUMNS)
        .where(messages.c.chat_id == chat_id, messages.c.sequence > after)
        .order_by(messages.c.sequence)
        .limit(limit)
    )
    return [tables.to(ChatMessage, row) for row in await connection.execute(statement)]
