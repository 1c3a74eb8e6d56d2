"""One of everything that belongs to a conversation, and a second of what lists show."""

from functools import partial
from typing import Any

from stateroom.session.v1 import action_pb2, chat_pb2, context_pb2
from stateroom.session.v1 import action_service_pb2 as action_pb
from stateroom.session.v1 import chat_service_pb2 as chat_pb
from stateroom.session.v1 import context_service_pb2 as context_pb
from stateroom.session.v1 import message_service_pb2 as message_pb
from stateroom.session.v1.action_service_pb2_grpc import ActionServiceStub
from stateroom.session.v1.chat_service_pb2_grpc import ChatServiceStub
from stateroom.session.v1.context_service_pb2_grpc import ContextServiceStub
from stateroom.session.v1.message_service_pb2_grpc import MessageServiceStub

from chassis import ids
from tests.support.people import Person, connected
from tests.support.waiting import until


async def conversation(owner: Person, workspace_id: str) -> dict[str, str]:
    """Make it; returns the ids by field name. The context is completed, so that no request makes it run anything."""
    async with connected(owner.product, "session") as channel:
        contexts: Any = ContextServiceStub(channel)
        messages: Any = MessageServiceStub(channel)
        actions: Any = ActionServiceStub(channel)
        chats: Any = ChatServiceStub(channel)
        sent: dict[str, Any] = {"metadata": owner.metadata, "timeout": 20, "wait_for_ready": True}
        wanted = context_pb2.Context(workspace_id=workspace_id)
        begin, talk = (
            context_pb.CreateContextRequest(context=wanted),
            chat_pb.CreateChatRequest(user_ids=[str(ids.new())]),
        )
        _, context = [await contexts.CreateContext(begin, **sent) for _ in range(2)]
        _, chat = [await chats.CreateChat(talk, **sent) for _ in range(2)]
        about = {"context_id": context.context_id}
        await contexts.ActivateContext(context_pb.ActivateContextRequest(**about), **sent)
        tooling = action_pb2.Action(configure_tooling=action_pb2.ConfigureTooling(directory="nowhere"))
        said, posted = context_pb2.Message(content="a"), chat_pb2.ChatMessage(content="a")
        do = action_pb.CreateActionRequest(action=tooling, **about)
        _, action = [await actions.CreateAction(do, **sent) for _ in range(2)]
        for _ in range(2):
            await messages.CreateMessage(message_pb.CreateMessageRequest(message=said, **about), **sent)
            message = chat_pb.CreateChatMessageRequest(chat_id=chat.chat_id, chat_message=posted)
            await chats.CreateChatMessage(message, **sent)
        await until(partial(_all_ended, actions, sent, context.context_id))
        await contexts.CompleteContext(context_pb.CompleteContextRequest(**about), **sent)
    return {"context_id": context.context_id, "action_id": action.action_id, "chat_id": chat.chat_id}


async def _all_ended(actions: Any, sent: dict[str, Any], context_id: str) -> bool:
    listed = await actions.ListActionResults(action_pb.ListActionResultsRequest(context_id=context_id), **sent)
    return len(listed.outcomes) > 1
