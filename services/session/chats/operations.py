"""Changes of chats."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from chassis import etag as tags
from chassis import ids
from chassis.database import Transaction
from services.session.chats import store
from services.session.chats.domain import MAXIMUM_PARTICIPANTS, Chat, ChatMessage, Membership, Participant
from services.session.chats.errors import ChatFull, ParticipantNotFound


async def create_chat(tx: Transaction, *, values: Mapping[str, object], user_ids: Sequence[UUID]) -> Chat:
    """Begin a chat, in which its creator and others take part."""
    creator_id = _caller(tx)
    chat = Chat(
        chat_id=ids.new(),
        account_id=tx.account_id,
        creator_id=creator_id,
        team_id=None,
        message_count=0,
        version=1,
        create_time=tx.now,
        update_time=tx.now,
        **values,  # type: ignore[arg-type]  # the fields that a creator sets
    )
    await store.insert_chat(tx.connection, chat)
    tx.record("created", after=chat)
    for user_id in dict.fromkeys((creator_id, *user_ids)):
        await _add(tx, chat, ids.new(), user_id)
    return chat


async def update_chat(tx: Transaction, *, chat_id: UUID, values: Mapping[str, object], etag: str) -> Chat:
    """Give a chat other values. ChatNotFound, NotTheCreator, EtagRequired, EtagMismatch."""
    seat = await store.get_seat(tx.connection, chat_id, _caller(tx), lock=True)
    seat.expect_sight()
    seat.chat.expect_creator(seat.user_id)
    tags.demand(seat.chat, etag)
    updated = seat.chat.update(tx.now, values)
    if updated is not seat.chat:
        await store.update_chat(tx.connection, updated)
        tx.record("updated", before=seat.chat, after=updated)
    return updated


async def add_participant(tx: Transaction, *, chat_id: UUID, user_id: UUID) -> Participant:
    """Bring somebody in; who is there stays. ChatNotFound, ChatOfTeam, NotParticipant, NotTheCreator, ChatFull."""
    seat = await store.get_seat(tx.connection, chat_id, _caller(tx), lock=True)
    seat.expect_may_add(user_id)
    there = await store.find_participant(tx.connection, chat_id, user_id)
    if there is not None:
        return there
    if await store.count_participants(tx.connection, chat_id) >= MAXIMUM_PARTICIPANTS:
        raise ChatFull(MAXIMUM_PARTICIPANTS)
    return await _add(tx, seat.chat, ids.new(), user_id)


async def remove_participant(tx: Transaction, *, chat_id: UUID, user_id: UUID) -> Chat:
    """Take somebody out, and return the chat. ChatNotFound, ChatOfTeam, NotTheCreator, ParticipantNotFound."""
    seat = await store.get_seat(tx.connection, chat_id, _caller(tx), lock=True)
    seat.expect_sight()
    seat.chat.expect_no_team()
    if user_id != seat.user_id:
        seat.chat.expect_creator(seat.user_id)
    there = await store.find_participant(tx.connection, chat_id, user_id)
    if there is None:
        raise ParticipantNotFound(user_id)
    await store.delete_participant(tx.connection, there)
    tx.record("removed", before=there)
    return seat.chat


async def create_team_chat(tx: Transaction, *, chat_id: UUID, founder_id: UUID) -> None:
    """Begin the chat of the acting team; one that was begun stays as it is."""
    chat = Chat(
        chat_id=chat_id,
        account_id=tx.account_id,
        creator_id=founder_id,
        team_id=tx.account_id,
        is_private=False,
        open_to_anyone_with_invite=False,
        config={},
        message_count=0,
        version=1,
        create_time=tx.now,
        update_time=tx.now,
    )
    if await store.lock_team_chat(tx.connection, tx.account_id) is None:
        await store.insert_chat(tx.connection, chat)
        tx.record("created", after=chat)


async def follow_member(tx: Transaction, *, membership: Membership) -> None:
    """Have somebody take part in the chat of the acting team, or no more. Again, and late, it changes nothing.

    Parts have the ids of the memberships they follow: an old end does not take out who has come back since.
    """
    chat = await store.lock_team_chat(tx.connection, tx.account_id)
    if chat is None:
        return
    there = await store.find_participant(tx.connection, chat.chat_id, membership.user_id)
    if membership.takes_part and there is None:
        await _add(tx, chat, membership.member_id, membership.user_id)
    if not membership.takes_part and there is not None and there.participant_id == membership.member_id:
        await store.delete_participant(tx.connection, there)
        tx.record("removed", before=there)


async def create_message(tx: Transaction, *, chat_id: UUID, content: str) -> ChatMessage:
    """Say something; what was said before counts as read. ChatNotFound, NotParticipant."""
    seat = await store.get_seat(tx.connection, chat_id, _caller(tx), lock=True)
    participant = seat.expect_participant()
    message = ChatMessage(
        chat_message_id=ids.new(),
        account_id=tx.account_id,
        chat_id=chat_id,
        sequence=seat.chat.message_count + 1,
        author_id=seat.user_id,
        content=content,
        create_time=tx.now,
    )
    await store.insert_message(tx.connection, message)
    await store.mark_read(tx.connection, replace(participant, read_sequence=message.sequence))
    tx.record("created", after=message)
    return message


async def mark_read(tx: Transaction, *, chat_id: UUID, sequence: int) -> Participant:
    """Note how far the caller has read; it never goes back. ChatNotFound, NotParticipant.

    It is no change of the chat, and nothing to prove: what anybody has read is theirs alone.
    """
    seat = await store.get_seat(tx.connection, chat_id, _caller(tx), lock=True)
    participant = seat.expect_participant()
    read = min(max(sequence, participant.read_sequence), seat.chat.message_count)
    marked = replace(participant, read_sequence=read)
    if marked != participant:
        await store.mark_read(tx.connection, marked)
    return marked


async def _add(tx: Transaction, chat: Chat, participant_id: UUID, user_id: UUID) -> Participant:
    """Bring somebody in, for whom all that was said counts as read."""
    participant = Participant(
        participant_id=participant_id,
        account_id=tx.account_id,
        chat_id=chat.chat_id,
        user_id=user_id,
        read_sequence=chat.message_count,
        create_time=tx.now,
    )
    await store.insert_participant(tx.connection, participant)
    tx.record("added", after=participant)
    return participant


def _caller(tx: Transaction) -> UUID:
    return UUID(tx.actor.subject)
