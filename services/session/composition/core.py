"""What runs beside the server whatever is asked of it: logs are copied, devices watched, rows reconciled."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import ModuleType

from chassis.bell import Bell
from chassis.changes import EntityKind, Registry
from chassis.consumer import in_turn
from chassis.rpc.channels import Neighbour
from chassis.service import Service, open_service
from services.session.agents.notes import AgentNotes
from services.session.channel import CHANNEL
from services.session.chats.consumers import TeamChats
from services.session.conversations.consumers import ContextsOfWorkspaces
from services.session.conversations.queries import expect_open
from services.session.editors.ending import Ending
from services.session.editors.operations.recovering import take_over
from services.session.previews.consumers import PreviewsOfWorkspaces
from services.session.sessions.consumers import SessionsOfWorkspaces, WorkspaceChanges
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
from services.session.sessions.store.counts import COUNTS
from services.session.settings import SessionSettings

Servicers = Mapping[ModuleType, object]
"""Who serves the service of a contract's module."""


@dataclass(frozen=True, slots=True)
class Core:
    """What every domain of the session service may need."""

    service: Service
    settings: SessionSettings
    workspace: Neighbour
    runners: Runners
    liveness: Liveness
    feeds: Feeds
    devices: Devices
    desk: Desk
    opener: Opener
    bell: Bell
    wake_sessions: Callable[[], None]


async def open_core(settings: SessionSettings, kinds: tuple[EntityKind, ...], stack: AsyncExitStack) -> Core:
    """Open what all domains share; the stack closes it again. `kinds` are what changes are recorded of."""
    service = await open_service("session", settings, Registry(*kinds), stack)
    workspace, database, system = service.neighbour("workspace"), service.database, service.system
    runners, liveness = Runners(workspace), Liveness(system)
    stack.push_async_callback(runners.close)
    background = await stack.enter_async_context(open_background())
    parts = Parts(database, system, runners, AgentNotes(liveness))
    feeds = Feeds(parts, liveness, background)
    devices = Devices(system, settings.slow_device_seconds, settings.silent_device_seconds)
    reconciliation = Reconciliation(database, runners, Ending(database).end)
    wake = service.reconcile("sessions", "session_id", reconciliation.reconcile).wake
    service.reconcile("session_heads", "session_id", Release(parts).reconcile)
    # Sessions first: the reason of those of previews is the workspace's end, and not that their preview was stopped.
    ends = (SessionsOfWorkspaces(database, wake).end, PreviewsOfWorkspaces(database).stop)
    put_away = (*ends, ContextsOfWorkspaces(database).tell)
    service.consume(workspace, in_turn(WorkspaceChanges(put_away).apply, TeamChats(database).apply))
    bell = Bell(system, CHANNEL)
    running = (
        bell,
        liveness,
        runners,
        feeds,
        Copier(parts, feeds.bell, feeds.begin),
        devices,
        Presences(system, devices),
    )
    service.loops.extend(part.run for part in running)
    service.counts += COUNTS
    desk = Desk(database, runners, reconciliation, background)
    opener = Opener(database, runners, feeds, liveness, background, take_over, expect_open, settings.session_limit)
    return Core(service, settings, workspace, runners, liveness, feeds, devices, desk, opener, bell, wake)
