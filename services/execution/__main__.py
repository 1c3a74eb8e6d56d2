"""`python -m services.execution`: workflows, and the engine that runs them."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import ModuleType

from stateroom.execution.v1 import (
    approval_service_pb2,
    execution_service_pb2,
    statistics_service_pb2,
    trigger_service_pb2,
    webhook_service_pb2,
    workflow_service_pb2,
)

from chassis.actor import Actor
from chassis.bell import Bell
from chassis.changes import PendingChange, Registry, pending
from chassis.reconcile import Claim
from chassis.rpc.server import Server
from chassis.samples import Count
from chassis.sealing import Sealer
from chassis.service import Service, open_service, run
from services.execution.approvals.events import APPROVAL
from services.execution.approvals.servicer import ApprovalServicer
from services.execution.changes.consumers import Changes
from services.execution.changes.deciding import Deciding
from services.execution.definitions.events import WORKFLOW
from services.execution.definitions.servicer import WorkflowServicer
from services.execution.engine.checkpoints import Checkpoints
from services.execution.engine.engine import Engine
from services.execution.engine.run import Means
from services.execution.engine.starting import Starting
from services.execution.engine.steps.table import step_types
from services.execution.executions.domain import Execution
from services.execution.executions.events import EXECUTION
from services.execution.executions.follow import Followers
from services.execution.executions.servicer import ExecutionServicer
from services.execution.executions.store.execution_store import CHANNEL
from services.execution.expressions import Expressions
from services.execution.settings import ExecutionSettings
from services.execution.statistics.servicer import StatisticsServicer
from services.execution.triggers.events import TRIGGER
from services.execution.triggers.scheduler import Scheduler
from services.execution.triggers.servicer import TriggerServicer
from services.execution.webhooks.events import DELIVERY
from services.execution.webhooks.forgetting import Forgetting
from services.execution.webhooks.receiving import Receiving
from services.execution.webhooks.servicer import WebhookServicer

REGISTRY = Registry(WORKFLOW, EXECUTION, APPROVAL, TRIGGER, DELIVERY)
COUNTS = [
    Count(
        "stateroom_executions_running",
        "Executions that have not ended.",
        "SELECT count(*) FROM executions WHERE wake_time IS NOT NULL",
    ),
    Count(
        "stateroom_executions_overdue",
        "Executions that nobody looks at, though their time has come for ten seconds.",
        "SELECT count(*) FROM executions WHERE wake_time < now() - interval '10 seconds'",
    ),
    Count(
        "stateroom_schedules_overdue",
        "Triggers with a time that nobody has decided about, though it has been over for ten seconds.",
        "SELECT count(*) FROM triggers WHERE next_time < now() - interval '10 seconds'",
    ),
]


async def open_execution(settings: ExecutionSettings, stack: AsyncExitStack) -> tuple[Service, Server]:
    """Put the service together. The stack closes it again."""
    service = await open_service("execution", settings, REGISTRY, stack)
    expressions = Expressions()
    stack.push_async_callback(expressions.close)
    engine = open_engine(service, expressions)
    bell = Bell(service.system, CHANNEL)
    service.loops += [engine.run, bell.run]
    service.counts += COUNTS
    server = service.server()
    database, pages = service.database, service.pages
    starting = Starting(database, engine, expressions)
    server.add_all(
        {
            workflow_service_pb2: WorkflowServicer(database, pages, expressions),
            execution_service_pb2: ExecutionServicer(database, pages, starting, Followers(database, bell)),
            statistics_service_pb2: StatisticsServicer(database),
            approval_service_pb2: ApprovalServicer(database, pages, engine.awake.set),
        }
        | open_triggers(service, settings, expressions, engine)
    )
    return service, server


def open_triggers(
    service: Service, settings: ExecutionSettings, expressions: Expressions, engine: Engine
) -> dict[ModuleType, object]:
    """Have the service look at what triggers wait for; returns the servicers by the modules of their contracts."""
    database, pages = service.database, service.pages
    scheduler = Scheduler(database, service.system, expressions, engine)
    service.loops += [scheduler.run, Forgetting(service.system).run]

    async def decide(claim: Claim) -> float | None:
        return await deciding.reconcile(claim)

    wake = service.reconcile("trigger_events", "trigger_event_id", decide).wake
    deciding = Deciding(database, expressions, engine, wake)
    for source in settings.event_sources:
        service.consume(service.neighbour(source), Changes(wake).apply)
    sealer = Sealer.from_file(settings.sealing_keys_file)
    receiving = Receiving(service.system, database, expressions, sealer, engine)
    return {
        trigger_service_pb2: TriggerServicer(database, pages, expressions),
        webhook_service_pb2: WebhookServicer(database, pages, receiving, sealer),
    }


def open_engine(service: Service, expressions: Expressions) -> Engine:
    """Return an engine that is not running yet."""
    checkpoints = Checkpoints(service.system, service.relay.wake)

    def owned() -> bool:
        return engine.owns()

    means = Means(step_types(expressions, service.database), expressions, checkpoints, owned, _end_of)
    engine = Engine(service.database, service.system, means)
    return engine


def _end_of(before: Execution, after: Execution) -> PendingChange:
    actor = Actor.of_service("execution", after.account_id)
    return pending(REGISTRY, actor, after.end_time or datetime.now(UTC), after.state.name.lower(), before, after)


if __name__ == "__main__":
    run(ExecutionSettings, open_execution)
