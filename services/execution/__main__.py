"""`python -m services.execution`: workflows, and the engine that runs them."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from stateroom.execution.v1 import approval_service_pb2, execution_service_pb2, log_service_pb2, workflow_service_pb2

from chassis.actor import Actor
from chassis.bell import Bell
from chassis.changes import PendingChange, Registry, pending
from chassis.rpc.server import Server
from chassis.samples import Count
from chassis.service import Service, open_service, run
from services.execution.approvals.events import APPROVAL
from services.execution.approvals.servicer import ApprovalServicer
from services.execution.code.rooms import Rooms
from services.execution.definitions.domain import Type
from services.execution.definitions.events import WORKFLOW
from services.execution.definitions.servicer import WorkflowServicer
from services.execution.egress import Egress
from services.execution.engine.checkpoints import Checkpoints
from services.execution.engine.engine import Engine
from services.execution.engine.journal import Journal
from services.execution.engine.leftovers import Leftovers
from services.execution.engine.run import Means
from services.execution.engine.starting import Starting
from services.execution.engine.steps.port import StepType
from services.execution.engine.steps.table import step_types
from services.execution.executions.domain import Execution
from services.execution.executions.events import EXECUTION
from services.execution.executions.follow import Followers
from services.execution.executions.servicer import ExecutionServicer
from services.execution.executions.store.execution_store import CHANNEL
from services.execution.expressions import Expressions
from services.execution.logs.follow import LogFollowers
from services.execution.logs.servicer import LogServicer
from services.execution.settings import ExecutionSettings

REGISTRY = Registry(WORKFLOW, EXECUTION, APPROVAL)
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
]


async def open_execution(settings: ExecutionSettings, stack: AsyncExitStack) -> tuple[Service, Server]:
    """Put the service together. The stack closes it again."""
    service = await open_service("execution", settings, REGISTRY, stack)
    expressions = Expressions()
    stack.push_async_callback(expressions.close)
    rooms = Rooms(service.neighbour("workspace"))
    stack.push_async_callback(rooms.close)
    egress = Egress.allowing(settings.egress_allowed)
    engine = open_engine(service, expressions, step_types(expressions, service.database, rooms, egress))
    leftovers = Leftovers(service.database, service.system, rooms)
    bell = Bell(service.system, CHANNEL)
    service.loops += [engine.run, bell.run, leftovers.run]
    service.counts += COUNTS
    server = service.server()
    database, pages = service.database, service.pages
    starting = Starting(database, engine, expressions)
    server.add_all(
        {
            workflow_service_pb2: WorkflowServicer(database, pages, expressions),
            execution_service_pb2: ExecutionServicer(database, pages, starting, Followers(database, bell)),
            approval_service_pb2: ApprovalServicer(database, pages, engine.awake.set),
            log_service_pb2: LogServicer(database, pages, LogFollowers(database, bell)),
        }
    )
    return service, server


def open_engine(service: Service, expressions: Expressions, types: Mapping[Type, StepType]) -> Engine:
    """Return an engine that is not running yet."""
    checkpoints = Checkpoints(service.system, service.relay.wake)

    def owned() -> bool:
        return engine.owns()

    means = Means(
        types,
        expressions,
        checkpoints,
        Journal(service.system),
        owned,
        _end_of,
    )
    engine = Engine(service.database, service.system, means)
    return engine


def _end_of(before: Execution, after: Execution) -> PendingChange:
    actor = Actor.of_service("execution", after.account_id)
    return pending(REGISTRY, actor, after.end_time or datetime.now(UTC), after.state.name.lower(), before, after)


if __name__ == "__main__":
    run(ExecutionSettings, open_execution)
