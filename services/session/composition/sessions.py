"""Sessions: their terminals and screens, their life from pause to restart, who may come in by a link, what is kept."""

from datetime import timedelta

from stateroom.session.v1 import (
    deletion_service_pb2,
    history_service_pb2,
    idle_service_pb2,
    lifecycle_service_pb2,
    screen_service_pb2,
    secret_service_pb2,
    session_service_pb2,
    sharing_service_pb2,
)

from services.session import expired
from services.session.composition.core import Core, Servicers
from services.session.deletion.purge import Purge
from services.session.deletion.servicer import DeletionServicer
from services.session.history.expiry import Expiry
from services.session.history.servicer import HistoryServicer
from services.session.idleness.servicer import IdleServicer
from services.session.idleness.watch import IdleWatch
from services.session.lifecycle.servicer import LifecycleServicer
from services.session.screens.current import Screens
from services.session.screens.servicer import ScreenServicer
from services.session.secrets.registration import Registration
from services.session.secrets.servicer import SecretServicer
from services.session.sessions.live.attachment import Attachments
from services.session.sessions.live.writing import Writer
from services.session.sessions.servicer import SessionServicer
from services.session.sharing.servicer import SharingServicer
from services.session.sharing.tickets import Tickets


def sessions(core: Core, tickets: Tickets) -> Servicers:
    """Return who serves sessions; `tickets` are what share links are exchanged for."""
    service, settings, runners, wake = core.service, core.settings, core.runners, core.wake_sessions
    database, pages = service.database, service.pages
    attachments = Attachments(core.desk, core.feeds, core.devices, core.liveness)
    writer = Writer(database, runners)
    watch = IdleWatch(database, runners, wake)
    watching = service.reconcile("session_idleness", "session_id", watch.reconcile)
    service.reconcile("session_purges", "session_id", Purge(database).reconcile)
    service.loops += [each.run for each in expired.forgetting(service.system)]
    retention = timedelta(days=settings.session_retention_days)
    service.loops.append(Expiry(database, service.system, settings.log_months, settings.log_dry_run).run)
    return {
        session_service_pb2: SessionServicer(database, pages, core.opener, attachments, writer, wake),
        screen_service_pb2: ScreenServicer(Screens(database, runners)),
        lifecycle_service_pb2: LifecycleServicer(database, core.opener, wake),
        deletion_service_pb2: DeletionServicer(database, retention, wake),
        idle_service_pb2: IdleServicer(database, watch, watching.wake),
        sharing_service_pb2: SharingServicer(database, pages, tickets),
        history_service_pb2: HistoryServicer(database, pages),
        secret_service_pb2: SecretServicer(Registration(database, runners)),
    }
