"""What starts executions by itself: schedules, webhooks and events."""

from types import ModuleType

from stateroom.execution.v1 import trigger_service_pb2, webhook_service_pb2

from chassis.consumer import in_turn
from chassis.reconcile import Claim
from chassis.sealing import Sealer
from chassis.service import Service
from services.execution.changes.consumers import Changes
from services.execution.changes.deciding import Deciding
from services.execution.changes.deleted_teams import Closing, DeletedTeams
from services.execution.engine.engine import Engine
from services.execution.expressions import Evaluation
from services.execution.settings import ExecutionSettings
from services.execution.triggers.scheduler import Scheduler
from services.execution.triggers.servicer import TriggerServicer
from services.execution.webhooks.forgetting import forgetting
from services.execution.webhooks.receiving import Receiving
from services.execution.webhooks.servicer import WebhookServicer


def open_triggers(
    service: Service, settings: ExecutionSettings, evaluation: Evaluation, sealer: Sealer, engine: Engine
) -> dict[ModuleType, object]:
    """Have the service look at what triggers wait for; returns the servicers by the modules of their contracts."""
    database, pages = service.database, service.pages
    scheduler = Scheduler(database, service.system, evaluation, engine)
    service.loops += [scheduler.run, forgetting(service.system).run]

    async def decide(claim: Claim) -> float | None:
        return await deciding.reconcile(claim)

    wake = service.reconcile("trigger_events", "trigger_event_id", decide).wake
    deciding = Deciding(database, evaluation, engine, wake)
    closing = service.reconcile("deleted_teams", "account_id", Closing(database).reconcile)
    effects = Changes(wake).apply, DeletedTeams(closing.wake).apply
    for source in settings.event_sources:
        service.consume(service.neighbour(source), in_turn(*effects))
    receiving = Receiving(service.system, database, evaluation, sealer, engine)
    return {
        trigger_service_pb2: TriggerServicer(database, pages, evaluation, settings.trigger_limit),
        webhook_service_pb2: WebhookServicer(database, pages, receiving, sealer),
    }
