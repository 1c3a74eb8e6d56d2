"""Servers in rooms, whose commands are sessions."""

from stateroom.session.v1 import preview_gate_pb2, preview_service_pb2

from services.session.composition.core import Core, Servicers
from services.session.previews.gate import PreviewGateServicer
from services.session.previews.live.connections import Connections
from services.session.previews.live.health import Health
from services.session.previews.live.passes import Passes
from services.session.previews.live.reconciliation import Reconciliation
from services.session.previews.live.starting import Starter
from services.session.previews.live.tunnels import Tunnels
from services.session.previews.servicer import PreviewServicer


def previews(core: Core) -> tuple[Servicers, PreviewServicer]:
    """Return who serves previews and lets requests through to them, and of these who conversations need."""
    service, settings, wake = core.service, core.settings, core.wake_sessions
    database, tunnels = service.database, Tunnels(core.runners)
    connections = Connections(database, tunnels, settings.preview_connection_limit)
    service.reconcile("previews", "preview_id", Reconciliation(database, Health(tunnels)).reconcile)
    starter = Starter(database, core.opener, tunnels, wake, settings.preview_limit)
    servicer = PreviewServicer(database, service.pages, starter, connections, settings.preview_url, wake)
    gate = PreviewGateServicer(Passes(service.system, database, core.workspace), connections)
    return {preview_service_pb2: servicer, preview_gate_pb2: gate}, servicer
