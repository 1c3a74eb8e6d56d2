"""`python -m services.session`: terminals, agents, previews and conversations in rooms."""

from contextlib import AsyncExitStack

from chassis.rpc.server import Server
from chassis.service import Service, run
from services.session.agents import events as agent_events
from services.session.chats import events as chat_events
from services.session.composition.agents import agents
from services.session.composition.conversations import conversations
from services.session.composition.core import open_core
from services.session.composition.editors import editors
from services.session.composition.previews import previews
from services.session.composition.sessions import sessions
from services.session.conversations import events as conversation_events
from services.session.editors.events import BUFFER
from services.session.history.events import LOG_MONTH
from services.session.idleness.events import IDLE_POLICY
from services.session.previews.events import preview_kind
from services.session.sessions.events import SESSION
from services.session.settings import SessionSettings
from services.session.sharing.events import SHARE_LINK
from services.session.sharing.tickets import Tickets


async def open_session(settings: SessionSettings, stack: AsyncExitStack) -> tuple[Service, Server]:
    """Put the service together. The stack closes it again."""
    kinds = (SESSION, SHARE_LINK, IDLE_POLICY, LOG_MONTH, agent_events.TURN, agent_events.PERMISSION, BUFFER)
    others = (*conversation_events.KINDS, *chat_events.KINDS, preview_kind(settings.preview_url))
    core = await open_core(settings, (*kinds, *others), stack)
    tickets = Tickets(core.service.system)
    server = core.service.server(tickets=tickets)
    of_previews, previewing = previews(core)
    for servicers in (
        sessions(core, tickets),
        agents(core),
        editors(core),
        of_previews,
        conversations(core, previewing),
    ):
        server.add_all(servicers)
    return core.service, server


if __name__ == "__main__":
    run(SessionSettings, open_session)
