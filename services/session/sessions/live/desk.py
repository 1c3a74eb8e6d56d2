"""What devices work with."""

from dataclasses import dataclass

from chassis.database import Database
from services.session.sessions.live.background import Background
from services.session.sessions.live.reconciliation import Reconciliation
from services.session.sessions.live.runners import Runners


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts of this process that a device needs."""

    database: Database
    runners: Runners
    reconciliation: Reconciliation
    background: Background
