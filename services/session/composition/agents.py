"""Coding agents in sessions."""

from stateroom.session.v1 import coding_agent_service_pb2

from services.session.agents.asking import Asking
from services.session.agents.servicer import CodingAgentServicer
from services.session.agents.stream import Streams
from services.session.composition.core import Core, Servicers


def agents(core: Core) -> Servicers:
    """Return who serves agents."""
    streams = Streams(core.service.database, core.feeds, core.devices)
    asking = Asking(core.runners)
    servicer = CodingAgentServicer(core.service.database, core.service.pages, core.opener, asking, streams)
    return {coding_agent_service_pb2: servicer}
