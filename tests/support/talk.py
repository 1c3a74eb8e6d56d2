"""A person who talks: their calls of the services for conversations."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from stateroom.session.v1 import action_pb2, chat_pb2, context_pb2
from stateroom.session.v1 import action_service_pb2 as action_pb
from stateroom.session.v1 import chat_service_pb2 as chat_pb
from stateroom.session.v1 import context_service_pb2 as pb
from stateroom.session.v1 import message_service_pb2 as message_pb
from stateroom.session.v1.action_service_pb2_grpc import ActionServiceStub
from stateroom.session.v1.chat_service_pb2_grpc import ChatServiceStub
from stateroom.session.v1.context_service_pb2_grpc import ContextServiceStub
from stateroom.session.v1.message_service_pb2_grpc import MessageServiceStub
from stateroom.session.v1.preview_service_pb2_grpc import PreviewServiceStub

from chassis import ids
from tests.support.stage import Stage

STUBS: tuple[Any, ...] = (
    ContextServiceStub,
    MessageServiceStub,
    ActionServiceStub,
    ChatServiceStub,
    PreviewServiceStub,
)


@dataclass(frozen=True, slots=True)
class Talker:
    """A person in a room; of another account when one is named."""

    stage: Stage
    user_id: UUID = field(default_factory=ids.new)
    account_id: UUID | None = None
    role: int = 2

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The credential of their calls."""
        return self.stage.bearer(self.account_id, role=self.role, user_id=self.user_id)

    def open(self, method: str, request: Any, **options: Any) -> Any:  # a call of any kind
        """Begin a call."""
        stub = next(made for made in (kind(self.stage.channel) for kind in STUBS) if hasattr(made, method))
        return getattr(stub, method)(request, metadata=self.metadata(), **{"timeout": 20, **options})

    async def create(self, request_id: str = "", **wishes: Any) -> context_pb2.Context:
        """Begin a context in the room."""
        wishes = {"workspace_id": str(self.stage.workspace.workspace_id)} | wishes
        request = pb.CreateContextRequest(context=context_pb2.Context(**wishes), request_id=request_id)
        created: context_pb2.Context = await self.open("CreateContext", request)
        return created

    async def active(self) -> context_pb2.Context:
        """Begin a context and activate it."""
        return await self.change("Activate", (await self.create()).context_id)

    async def change(self, verb: str, context_id: str, **values: Any) -> context_pb2.Context:
        """Activate, complete, delete or undelete a context."""
        request = getattr(pb, f"{verb}ContextRequest")(context_id=context_id, **values)
        changed: context_pb2.Context = await self.open(f"{verb}Context", request)
        return changed

    async def update(self, context_id: str, *paths: str, etag: str = "*", **values: Any) -> context_pb2.Context:
        """Give a context other values."""
        request = pb.UpdateContextRequest(
            context_id=context_id,
            context=context_pb2.Context(**values),
            update_mask=FieldMask(paths=paths),
            etag=etag,
        )
        updated: context_pb2.Context = await self.open("UpdateContext", request)
        return updated

    async def get(self, context_id: str) -> context_pb2.Context:
        """Return a context."""
        found: context_pb2.Context = await self.open("GetContext", pb.GetContextRequest(context_id=context_id))
        return found

    async def say(self, context_id: str, content: str, request_id: str = "", **values: Any) -> context_pb2.Message:
        """Say something."""
        message = context_pb2.Message(content=content, **values)
        request = message_pb.CreateMessageRequest(context_id=context_id, message=message, request_id=request_id)
        said: context_pb2.Message = await self.open("CreateMessage", request)
        return said

    async def act(self, context_id: str, request_id: str = "", **payload: Any) -> action_pb2.Action:
        """Ask for something to be done."""
        request = action_pb.CreateActionRequest(
            context_id=context_id, action=action_pb2.Action(**payload), request_id=request_id
        )
        action: action_pb2.Action = await self.open("CreateAction", request)
        return action

    async def action(self, action_id: str) -> action_pb2.Action:
        """Return an action."""
        found: action_pb2.Action = await self.open("GetAction", action_pb.GetActionRequest(action_id=action_id))
        return found

    async def chat(self, *others: "Talker", request_id: str = "", **wishes: Any) -> chat_pb2.Chat:
        """Begin a chat with others."""
        user_ids = [str(other.user_id) for other in others]
        request = chat_pb.CreateChatRequest(chat=chat_pb2.Chat(**wishes), user_ids=user_ids, request_id=request_id)
        created: chat_pb2.Chat = await self.open("CreateChat", request)
        return created

    async def post(self, chat_id: str, content: str, request_id: str = "") -> chat_pb2.ChatMessage:
        """Say something in a chat."""
        message = chat_pb2.ChatMessage(content=content)
        request = chat_pb.CreateChatMessageRequest(chat_id=chat_id, chat_message=message, request_id=request_id)
        said: chat_pb2.ChatMessage = await self.open("CreateChatMessage", request)
        return said

    async def add(self, chat_id: str, other: "Talker", request_id: str = "") -> chat_pb2.Participant:
        """Bring somebody into a chat."""
        request = chat_pb.AddParticipantRequest(chat_id=chat_id, user_id=str(other.user_id), request_id=request_id)
        participant: chat_pb2.Participant = await self.open("AddParticipant", request)
        return participant

    async def remove(self, chat_id: str, other: "Talker", request_id: str = "") -> chat_pb2.Chat:
        """Take somebody out of a chat."""
        request = chat_pb.RemoveParticipantRequest(chat_id=chat_id, user_id=str(other.user_id), request_id=request_id)
        chat: chat_pb2.Chat = await self.open("RemoveParticipant", request)
        return chat

    async def unread(self) -> dict[str, int]:
        """Return how much is unread in each chat in which they take part."""
        listed = await self.open("ListChats", chat_pb.ListChatsRequest())
        assert all(chat.has_unread == (chat.unread_count > 0) for chat in listed.chats)
        return {chat.chat_id: chat.unread_count for chat in listed.chats}
