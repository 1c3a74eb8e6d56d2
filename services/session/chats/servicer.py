"""ChatService: people of an account who talk to each other."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from stateroom.session.v1 import chat_pb2
from stateroom.session.v1 import chat_service_pb2 as pb

from chassis import ids, masks
from chassis.bell import Bell
from chassis.database import Database
from chassis.pages import Pages
from chassis.rpc.call import Call
from services.session.chats import convert, operations, queries
from services.session.chats.domain import ChatMessage

_BATCH = 100  # messages of a stream that are read at once


@dataclass(frozen=True, slots=True)
class ChatServicer:
    """Serves stateroom.session.v1.ChatService."""

    database: Database
    pages: Pages
    bell: Bell

    async def CreateChat(self, request: pb.CreateChatRequest, call: Call) -> chat_pb2.Chat:
        """Begin a chat."""
        chat = await self.database.write(
            call.actor,
            operations.create_chat,
            values=convert.values_from_proto(request.chat),
            user_ids=[ids.parse(user_id) for user_id in request.user_ids],
        )
        return convert.chat_to_proto(chat)

    async def GetChat(self, request: pb.GetChatRequest, call: Call) -> chat_pb2.Chat:
        """Return a chat."""
        seat = await self.database.read(
            call.actor, queries.get_seat, chat_id=ids.parse(request.chat_id), user_id=_caller(call)
        )
        return convert.seat_to_proto(seat)

    async def ListChats(self, request: pb.ListChatsRequest, call: Call) -> pb.ListChatsResponse:
        """Return a page of the caller's chats."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor, queries.list_seats, user_id=_caller(call), limit=page.limit, after=page.after_id
        )
        shown, token = page.cut(rows, key=lambda seat: seat.chat.chat_id)
        return pb.ListChatsResponse(chats=map(convert.seat_to_proto, shown), next_page_token=token)

    async def UpdateChat(self, request: pb.UpdateChatRequest, call: Call) -> chat_pb2.Chat:
        """Change a chat."""
        names = masks.fields_to_set(request.chat, request.update_mask)
        chat = await self.database.write(
            call.actor,
            operations.update_chat,
            chat_id=ids.parse(request.chat_id),
            values=convert.values_from_proto(request.chat, names),
            etag=request.etag,
        )
        return convert.chat_to_proto(chat)

    async def AddParticipant(self, request: pb.AddParticipantRequest, call: Call) -> chat_pb2.Participant:
        """Bring somebody in."""
        participant = await self.database.write(
            call.actor,
            operations.add_participant,
            chat_id=ids.parse(request.chat_id),
            user_id=ids.parse(request.user_id),
        )
        return convert.participant_to_proto(participant)

    async def RemoveParticipant(self, request: pb.RemoveParticipantRequest, call: Call) -> chat_pb2.Chat:
        """Take somebody out."""
        chat = await self.database.write(
            call.actor,
            operations.remove_participant,
            chat_id=ids.parse(request.chat_id),
            user_id=ids.parse(request.user_id),
        )
        return convert.chat_to_proto(chat)

    async def ListParticipants(self, request: pb.ListParticipantsRequest, call: Call) -> pb.ListParticipantsResponse:
        """Return a page of those who take part."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_participants,
            chat_id=ids.parse(request.chat_id),
            user_id=_caller(call),
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda participant: participant.participant_id)
        return pb.ListParticipantsResponse(participants=map(convert.participant_to_proto, shown), next_page_token=token)

    async def CreateChatMessage(self, request: pb.CreateChatMessageRequest, call: Call) -> chat_pb2.ChatMessage:
        """Say something."""
        message = await self.database.write(
            call.actor,
            operations.create_message,
            chat_id=ids.parse(request.chat_id),
            content=request.chat_message.content,
        )
        return convert.message_to_proto(message)

    async def ListChatMessages(self, request: pb.ListChatMessagesRequest, call: Call) -> pb.ListChatMessagesResponse:
        """Return a page of what was said."""
        page = self.pages.open(request, call.account_id)
        rows = await self._messages(call, ids.parse(request.chat_id), page.after_number or 0, page.limit)
        shown, token = page.cut(rows, key=lambda message: message.sequence)
        return pb.ListChatMessagesResponse(chat_messages=map(convert.message_to_proto, shown), next_page_token=token)

    async def StreamChatMessages(
        self, request: pb.StreamChatMessagesRequest, call: Call
    ) -> AsyncIterator[chat_pb2.ChatMessage]:
        """Stream what is said after a sequence."""
        chat_id, after = ids.parse(request.chat_id), request.after_sequence
        async with aclosing(self.bell.looks(chat_id)) as looks:
            async for _ in looks:
                while found := await self._messages(call, chat_id, after, _BATCH):
                    for message in found:
                        yield convert.message_to_proto(message)
                    after = found[-1].sequence

    async def MarkChatRead(self, request: pb.MarkChatReadRequest, call: Call) -> chat_pb2.Participant:
        """Note how far the caller has read."""
        participant = await self.database.write(
            call.actor, operations.mark_read, chat_id=ids.parse(request.chat_id), sequence=request.sequence
        )
        return convert.participant_to_proto(participant)

    async def _messages(self, call: Call, chat_id: UUID, after: int, limit: int) -> list[ChatMessage]:
        """Return what was said after a sequence."""
        return await self.database.read(
            call.actor, queries.list_messages, chat_id=chat_id, user_id=_caller(call), after=after, limit=limit
        )


def _caller(call: Call) -> UUID:
    return ids.parse(call.principal.subject)
