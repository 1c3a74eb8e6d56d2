"""Puts the parts of conversations and chats together."""

from datetime import timedelta

from stateroom.session.v1 import action_service_pb2, chat_service_pb2, context_service_pb2, message_service_pb2

from chassis.rpc.server import Server
from chassis.service import Service
from services.session.bell import Bell
from services.session.chats.servicer import ChatServicer
from services.session.conversations.follow import Followers
from services.session.conversations.purge import Purge
from services.session.conversations.rooms import Rooms
from services.session.conversations.running.commands import CommandRunner
from services.session.conversations.running.reconciliation import ActionReconciliation
from services.session.conversations.servicer import ActionServicer, ContextServicer, MessageServicer
from services.session.sessions.live.feeds import Feeds
from services.session.sessions.live.runners import Runners
from services.session.settings import SessionSettings


def add_conversations(
    service: Service, server: Server, runners: Runners, feeds: Feeds, settings: SessionSettings
) -> None:
    """Serve conversations, and run what they need beside the server."""
    database, pages = service.database, service.pages
    bell = Bell(service.system)
    service.loops.append(bell.run)
    service.reconcile("contexts", "context_id", Purge(database).reconcile)
    messages = MessageServicer(database, pages, Followers(database, bell))
    reconciliation = ActionReconciliation(database, CommandRunner(database, runners, feeds, settings.session_limit))
    reconciler = service.reconcile("actions", "action_id", reconciliation.reconcile)
    actions = ActionServicer(database, pages, reconciler.wake)
    retention = timedelta(days=settings.context_retention_days)
    contexts = ContextServicer(database, pages, Rooms(runners), retention, messages, actions)
    for file, name, servicer in (
        (context_service_pb2, "ContextService", contexts),
        (message_service_pb2, "MessageService", messages),
        (action_service_pb2, "ActionService", actions),
        (chat_service_pb2, "ChatService", ChatServicer(database, pages, bell)),
    ):
        server.add(file.DESCRIPTOR.services_by_name[name], servicer)
