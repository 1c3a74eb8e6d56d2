"""`python -m services.session`: terminals, their logs and the devices attached to them."""

from contextlib import AsyncExitStack

from stateroom.session.v1 import idle_service_pb2, lifecycle_service_pb2, session_service_pb2, sharing_service_pb2

from chassis.changes import Registry
from chassis.rpc.server import Server
from chassis.service import Service, open_service, run
from services.session.idleness.events import IDLE_POLICY
from services.session.idleness.servicer import IdleServicer
from services.session.idleness.watch import IdleWatch
from services.session.lifecycle.servicer import LifecycleServicer
from services.session.sessions import events
from services.session.sessions.consumers import WorkspaceChanges
from services.session.sessions.live.attachment import Attachments
from services.session.sessions.live.background import open_background
from services.session.sessions.live.copier import Copier
from services.session.sessions.live.desk import Desk
from services.session.sessions.live.devices import Devices
from services.session.sessions.live.feeds import Feeds
from services.session.sessions.live.follower import Parts
from services.session.sessions.live.liveness import Liveness
from services.session.sessions.live.opening import Opener
from services.session.sessions.live.presence import Presences
from services.session.sessions.live.reconciliation import Reconciliation
from services.session.sessions.live.release import Release
from services.session.sessions.live.runners import Runners
from services.session.sessions.live.writing import Writer
from services.session.sessions.servicer import SessionServicer
from services.session.sessions.store.counts import COUNTS
from services.session.settings import SessionSettings
from services.session.sharing.events import SHARE_LINK
from services.session.sharing.servicer import SharingServicer
from services.session.sharing.tickets import Tickets


async def open_session(settings: SessionSettings, stack: AsyncExitStack) -> tuple[Service, Server]:
    """Put the service together. The stack closes it again."""
    service = await open_service("session", settings, Registry(events.SESSION, SHARE_LINK, IDLE_POLICY), stack)
    workspace = service.neighbour("workspace")
    database, system = service.database, service.system
    runners = Runners(workspace)
    stack.push_async_callback(runners.close)
    liveness = Liveness(system)
    background = await stack.enter_async_context(open_background())
    parts = Parts(database, system, runners)
    feeds = Feeds(parts, liveness, background)
    devices = Devices(system, settings.slow_device_seconds, settings.silent_device_seconds)
    presences = Presences(system, devices)
    reconciliation = Reconciliation(database, runners)
    reconciler = service.reconcile("sessions", "session_id", reconciliation.reconcile)
    service.consume(workspace, WorkspaceChanges(database, reconciler.wake).apply)
    watch = IdleWatch(database, runners, reconciler.wake)
    watching = service.reconcile("session_idleness", "session_id", watch.reconcile)
    service.reconcile("session_heads", "session_id", Release(parts).reconcile)
    copier = Copier(parts, feeds.bell)
    service.loops.extend(part.run for part in (liveness, feeds, copier, devices, presences))
    service.counts += COUNTS
    opener = Opener(database, runners, feeds, liveness, background, settings.session_limit)
    desk = Desk(database, runners, reconciliation, background)
    attachments = Attachments(desk, feeds, devices, liveness)
    writer = Writer(database, runners)
    servicer = SessionServicer(database, service.pages, opener, attachments, writer, reconciler.wake)
    tickets = Tickets(system)
    server = service.server(tickets=tickets)
    server.add(session_service_pb2.DESCRIPTOR.services_by_name["SessionService"], servicer)
    lifecycle = LifecycleServicer(database, opener, reconciler.wake)
    server.add(lifecycle_service_pb2.DESCRIPTOR.services_by_name["LifecycleService"], lifecycle)
    idle = IdleServicer(database, watch, watching.wake)
    server.add(idle_service_pb2.DESCRIPTOR.services_by_name["IdleService"], idle)
    sharing = SharingServicer(database, service.pages, tickets)
    server.add(sharing_service_pb2.DESCRIPTOR.services_by_name["SharingService"], sharing)
    return service, server


if __name__ == "__main__":
    run(SessionSettings, open_session)
