"""Conversations, what is done in the course of them, and chats."""

from datetime import timedelta

from stateroom.session.v1 import action_service_pb2, chat_service_pb2, context_service_pb2, message_service_pb2

from services.session.chats.servicer import ChatServicer
from services.session.composition.core import Core, Servicers
from services.session.conversations.domain.action import Type
from services.session.conversations.follow import Followers
from services.session.conversations.purge import Purge
from services.session.conversations.rooms import Rooms
from services.session.conversations.running.commands import CommandRunner
from services.session.conversations.running.port import ActionRunner
from services.session.conversations.running.reconciliation import ActionReconciliation
from services.session.conversations.servicer import ActionServicer, ContextServicer, MessageServicer
from services.session.previews.live.deploying import PreviewRunner
from services.session.previews.servicer import PreviewServicer


def conversations(core: Core, previews: PreviewServicer) -> Servicers:
    """Return who serves conversations and chats; `previews` are what actions start and contexts list."""
    service, settings, runners = core.service, core.settings, core.runners
    database, pages = service.database, service.pages
    bell = core.bell
    service.reconcile("contexts", "context_id", Purge(database).reconcile)
    messages = MessageServicer(database, pages, Followers(database, bell))
    commands = CommandRunner(database, runners, core.feeds, settings.session_limit)
    deploying = PreviewRunner(database, previews.starter, previews.base_url)
    running = dict[Type, ActionRunner].fromkeys(Type, commands) | {Type.DEPLOY: deploying}
    reconciler = service.reconcile("actions", "action_id", ActionReconciliation(database, running).reconcile)
    actions = ActionServicer(database, pages, reconciler.wake)
    retention = timedelta(days=settings.context_retention_days)
    return {
        context_service_pb2: ContextServicer(database, pages, Rooms(runners), retention, messages, actions, previews),
        message_service_pb2: messages,
        action_service_pb2: actions,
        chat_service_pb2: ChatServicer(database, pages, bell),
    }
