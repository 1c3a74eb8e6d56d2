"""ContextService, MessageService and ActionService: what is wanted in a room, what is said, and what is done."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from stateroom.session.v1 import action_pb2, context_pb2
from stateroom.session.v1 import action_service_pb2 as action_pb
from stateroom.session.v1 import context_service_pb2 as pb
from stateroom.session.v1 import message_service_pb2 as message_pb
from stateroom.session.v1 import preview_service_pb2 as preview_pb

from chassis import ids, masks
from chassis.database import Database, Transaction
from chassis.pages import Pages
from chassis.rpc.call import Call
from services.session.conversations import convert, queries
from services.session.conversations.domain.context import Context
from services.session.conversations.follow import Followers
from services.session.conversations.operations import actions, contexts
from services.session.conversations.rooms import Rooms


class Transition(Protocol):
    """An operation that takes a context from one state to another."""

    async def __call__(self, tx: Transaction, *, context_id: UUID, etag: str) -> Context:
        """Return the context as it is afterwards."""


TransitionRequest = pb.ActivateContextRequest | pb.CompleteContextRequest | pb.UndeleteContextRequest


class Previews(Protocol):
    """Who lists previews."""

    async def ListPreviews(
        self, request: preview_pb.ListPreviewsRequest, call: Call
    ) -> preview_pb.ListPreviewsResponse:
        """Return a page of previews."""


@dataclass(frozen=True, slots=True)
class ContextServicer:
    """Serves stateroom.session.v1.ContextService."""

    database: Database
    pages: Pages
    rooms: Rooms
    retention: timedelta
    messages: "MessageServicer"
    actions: "ActionServicer"
    previews: Previews

    async def CreateContext(self, request: pb.CreateContextRequest, call: Call) -> context_pb2.Context:
        """Begin a context."""
        wanted = convert.context_from_proto(
            request.context, call.account_id, ids.parse(call.principal.subject), datetime.now(UTC)
        )
        if await self.database.find_repeated(call.actor) is None:
            await self.rooms.expect(call.account_id, wanted.workspace_id)
        context = await self.database.write(call.actor, contexts.create_context, context=wanted)
        return convert.context_to_proto(context)

    async def GetContext(self, request: pb.GetContextRequest, call: Call) -> context_pb2.Context:
        """Return a context."""
        context_id = ids.parse(request.context_id)
        context = await self.database.read(call.actor, queries.get_context, context_id=context_id)
        return convert.context_to_proto(context)

    async def GetActiveContext(self, request: pb.GetActiveContextRequest, call: Call) -> context_pb2.Context:
        """Return the caller's active context."""
        context = await self.database.read(
            call.actor,
            queries.get_active_context,
            user_id=ids.parse(call.principal.subject),
            workspace_id=ids.parse(request.workspace_id) if request.workspace_id else None,
        )
        return convert.context_to_proto(context)

    async def GetFullContext(self, request: pb.GetFullContextRequest, call: Call) -> pb.GetFullContextResponse:
        """Return a context with the first pages of what is in it."""
        page: Any = {"page_size": request.page_size, "context_id": request.context_id}
        context = await self.GetContext(pb.GetContextRequest(context_id=request.context_id), call)
        said = await self.messages.ListMessages(message_pb.ListMessagesRequest(**page), call)
        done = await self.actions.ListActions(action_pb.ListActionsRequest(**page), call)
        shown = await self.previews.ListPreviews(preview_pb.ListPreviewsRequest(**page), call)
        return pb.GetFullContextResponse(
            context=context,
            messages=said.messages,
            messages_page_token=said.next_page_token,
            actions=done.actions,
            actions_page_token=done.next_page_token,
            previews=shown.previews,
            previews_page_token=shown.next_page_token,
        )

    async def ListContexts(self, request: pb.ListContextsRequest, call: Call) -> pb.ListContextsResponse:
        """Return a page of the caller's contexts."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_contexts,
            user_id=ids.parse(call.principal.subject),
            workspace_id=ids.parse(request.workspace_id) if request.workspace_id else None,
            state=convert.state_from_proto(request.state),
            show_deleted=request.show_deleted,
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda context: context.context_id)
        return pb.ListContextsResponse(contexts=map(convert.context_to_proto, shown), next_page_token=token)

    async def UpdateContext(self, request: pb.UpdateContextRequest, call: Call) -> context_pb2.Context:
        """Change what is said about a context."""
        names = masks.fields_to_set(request.context, request.update_mask)
        context = await self.database.write(
            call.actor,
            contexts.update_context,
            context_id=ids.parse(request.context_id),
            values=convert.values_from_proto(request.context, names),
            etag=request.etag,
        )
        return convert.context_to_proto(context)

    async def ActivateContext(self, request: pb.ActivateContextRequest, call: Call) -> context_pb2.Context:
        """Begin the work."""
        return await self._change(contexts.activate_context, request, call)

    async def CompleteContext(self, request: pb.CompleteContextRequest, call: Call) -> context_pb2.Context:
        """End the work."""
        return await self._change(contexts.complete_context, request, call)

    async def DeleteContext(self, request: pb.DeleteContextRequest, call: Call) -> context_pb2.Context:
        """Delete a context."""
        context = await self.database.write(
            call.actor,
            contexts.delete_context,
            context_id=ids.parse(request.context_id),
            etag=request.etag,
            retention=self.retention,
        )
        return convert.context_to_proto(context)

    async def UndeleteContext(self, request: pb.UndeleteContextRequest, call: Call) -> context_pb2.Context:
        """Bring a context back."""
        return await self._change(contexts.undelete_context, request, call)

    async def _change(self, operation: Transition, request: TransitionRequest, call: Call) -> context_pb2.Context:
        context_id = ids.parse(request.context_id)
        context = await self.database.write(call.actor, operation, context_id=context_id, etag=request.etag)
        return convert.context_to_proto(context)


@dataclass(frozen=True, slots=True)
class MessageServicer:
    """Serves stateroom.session.v1.MessageService."""

    database: Database
    pages: Pages
    followers: Followers

    async def CreateMessage(self, request: message_pb.CreateMessageRequest, call: Call) -> context_pb2.Message:
        """Say something."""
        message = await self.database.write(
            call.actor,
            contexts.create_message,
            context_id=ids.parse(request.context_id),
            saying=convert.saying_from_proto(request.message, ids.parse(call.principal.subject)),
        )
        return convert.message_to_proto(message)

    async def ListMessages(
        self, request: message_pb.ListMessagesRequest, call: Call
    ) -> message_pb.ListMessagesResponse:
        """Return a page of what was said."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_messages,
            context_id=ids.parse(request.context_id),
            after=page.after_number or 0,
            limit=page.limit,
        )
        shown, token = page.cut(rows, key=lambda message: message.sequence)
        return message_pb.ListMessagesResponse(messages=map(convert.message_to_proto, shown), next_page_token=token)

    async def StreamMessages(
        self, request: message_pb.StreamMessagesRequest, call: Call
    ) -> AsyncIterator[context_pb2.Message]:
        """Stream what is said after a sequence."""
        context_id = ids.parse(request.context_id)
        async for message in self.followers.messages(call.actor, context_id, request.after_sequence):
            yield convert.message_to_proto(message)


@dataclass(frozen=True, slots=True)
class ActionServicer:
    """Serves stateroom.session.v1.ActionService."""

    database: Database
    pages: Pages
    wake_reconciler: Callable[[], None]

    async def CreateAction(self, request: action_pb.CreateActionRequest, call: Call) -> action_pb2.Action:
        """Ask for something to be done."""
        action = await self.database.write(
            call.actor,
            actions.create_action,
            context_id=ids.parse(request.context_id),
            spec=convert.action_spec_from_proto(request.action),
        )
        self.wake_reconciler()
        return convert.action_to_proto(action)

    async def GetAction(self, request: action_pb.GetActionRequest, call: Call) -> action_pb2.Action:
        """Return an action."""
        action_id = ids.parse(request.action_id)
        return convert.action_to_proto(await self.database.read(call.actor, queries.get_action, action_id=action_id))

    async def ListActions(self, request: action_pb.ListActionsRequest, call: Call) -> action_pb.ListActionsResponse:
        """Return a page of actions."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_actions,
            context_id=ids.parse(request.context_id),
            state=convert.action_state_from_proto(request.state),
            type=convert.action_type_from_proto(request.type),
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda action: action.action_id)
        return action_pb.ListActionsResponse(actions=map(convert.action_to_proto, shown), next_page_token=token)

    async def ListActionResults(
        self, request: action_pb.ListActionResultsRequest, call: Call
    ) -> action_pb.ListActionResultsResponse:
        """Return a page of actions that have ended, with what came of them."""
        page = self.pages.open(request, call.account_id)
        rows = await self.database.read(
            call.actor,
            queries.list_actions,
            context_id=ids.parse(request.context_id),
            ended=True,
            limit=page.limit,
            after=page.after_id,
        )
        shown, token = page.cut(rows, key=lambda action: action.action_id)
        return action_pb.ListActionResultsResponse(outcomes=map(convert.outcome_to_proto, shown), next_page_token=token)

    async def CancelAction(self, request: action_pb.CancelActionRequest, call: Call) -> action_pb2.Action:
        """Ask for an action to be ended."""
        action_id = ids.parse(request.action_id)
        action = await self.database.write(call.actor, actions.cancel_action, action_id=action_id, etag=request.etag)
        self.wake_reconciler()
        return convert.action_to_proto(action)

    async def UndoAction(self, request: action_pb.UndoActionRequest, call: Call) -> action_pb2.Action:
        """Ask for an action's changes to be taken back."""
        action_id = ids.parse(request.action_id)
        action = await self.database.write(call.actor, actions.undo_action, action_id=action_id)
        self.wake_reconciler()
        return convert.action_to_proto(action)
