"""Conversations, what is done in the course of them, and chats."""

from datetime import timedelta

from stateroom.session.v1 import action_service_pb2, chat_service_pb2, context_service_pb2, message_service_pb2

from services.session.bell import Bell
from services.session.chats.servicer import ChatServicer
from services.session.composition.core import Core, Servicers
from services.session.conversations.follow import Followers
from services.session.conversations.purge import Purge
from services.session.conversations.rooms import Rooms
from services.session.conversations.running.commands import CommandRunner
from services.session.conversations.running.reconciliation import ActionReconciliation
from services.session.conversations.servicer import ActionServicer, ContextServicer, MessageServicer


def conversations(core: Core) -> Servicers:
    """Return who serves conversations and chats."""
    service, settings, runners = core.service, core.settings, core.runners
    database, pages = service.database, service.pages
    bell = Bell(service.system)
    service.loops.append(bell.run)
    service.reconcile("contexts", "context_id", Purge(database).reconcile)
    messages = MessageServicer(database, pages, Followers(database, bell))
    running = ActionReconciliation(database, CommandRunner(database, runners, core.feeds, settings.session_limit))
    reconciler = service.reconcile("actions", "action_id", running.reconcile)
    actions = ActionServicer(database, pages, reconciler.wake)
    retention = timedelta(days=settings.context_retention_days)
    return {
        context_service_pb2: ContextServicer(database, pages, Rooms(runners), retention, messages, actions),
        message_service_pb2: messages,
        action_service_pb2: actions,
        chat_service_pb2: ChatServicer(database, pages, bell),
    }
