"""`python -m services.execution`: workflows, and the engine that runs them."""

from contextlib import AsyncExitStack

from stateroom.execution.v1 import (
    agent_service_pb2,
    approval_service_pb2,
    execution_service_pb2,
    fork_service_pb2,
    log_service_pb2,
    public_service_pb2,
    secret_service_pb2,
    statistics_service_pb2,
    template_service_pb2,
    usage_service_pb2,
    workflow_life_service_pb2,
    workflow_service_pb2,
)

from chassis.bell import Bell
from chassis.rpc.server import Server
from chassis.samples import Count
from chassis.sealing import Sealer
from chassis.service import Service, open_service, run
from services.execution.agents.servicer import AgentServicer
from services.execution.approvals.servicer import ApprovalServicer
from services.execution.code.rooms import Rooms
from services.execution.composition.deployments import open_deployments
from services.execution.composition.engine import REGISTRY, open_engine
from services.execution.composition.triggers import open_triggers
from services.execution.definitions.checking import Checking
from services.execution.definitions.servicer import WorkflowServicer
from services.execution.documents.servicer import WorkflowLifeServicer
from services.execution.egress import Egress
from services.execution.engine.leftovers import Leftovers
from services.execution.engine.starting import Starting
from services.execution.engine.steps.table import Surroundings, step_types
from services.execution.executions.follow import Followers
from services.execution.executions.fork_servicer import ForkServicer
from services.execution.executions.servicer import ExecutionServicer
from services.execution.executions.store.execution_store import CHANNEL
from services.execution.expressions import Evaluation
from services.execution.logs.follow import LogFollowers
from services.execution.logs.forgetting import forgetting
from services.execution.logs.servicer import LogServicer
from services.execution.public.servicer import PublicServicer
from services.execution.secrets.keyring import Keyring
from services.execution.secrets.servicer import SecretServicer
from services.execution.settings import ExecutionSettings
from services.execution.statistics.servicer import StatisticsServicer
from services.execution.templates.official import store_official
from services.execution.templates.servicer import TemplateServicer
from services.execution.usage.servicer import UsageServicer

COUNTS = [
    Count(
        "stateroom_executions_running",
        "Executions that run.",
        "SELECT count(*) FROM executions WHERE state = 'RUNNING'",
    ),
    Count(
        "stateroom_executions_pending",
        "Executions that wait until fewer others run.",
        "SELECT count(*) FROM executions WHERE state = 'PENDING'",
    ),
    Count(
        "stateroom_executions_overdue",
        "Executions that nobody looks at, though their time has come for ten seconds.",
        "SELECT count(*) FROM executions WHERE state = 'RUNNING' AND wake_time < now() - interval '10 seconds'",
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
    evaluation = Evaluation()
    stack.push_async_callback(evaluation.close)
    rooms = Rooms(service.neighbour("workspace"))
    stack.push_async_callback(rooms.close)
    sealer = Sealer.from_file(settings.sealing_keys_file)
    keyring = Keyring(service.database, sealer)
    around = Surroundings(evaluation, service.database, rooms, Egress.allowing(settings.egress_allowed), keyring)
    engine = open_engine(service, evaluation, step_types(around), settings.execution_limit)
    leftovers = Leftovers(service.database, service.system, rooms)
    bell = Bell(service.system, CHANNEL)
    forgotten = forgetting(service.system, settings.log_retention_days)
    service.loops += [engine.run, bell.run, leftovers.run, forgotten.run]
    service.counts += COUNTS
    await store_official(service.system)
    server = service.server()
    database, pages = service.database, service.pages
    checking = Checking(database, evaluation)
    starting, followers = Starting(database, engine, evaluation), Followers(database, bell)
    server.add_all(
        {
            workflow_service_pb2: WorkflowServicer(database, pages, checking),
            template_service_pb2: TemplateServicer(database, service.system, pages, checking),
            workflow_life_service_pb2: WorkflowLifeServicer(database),
            public_service_pb2: PublicServicer(service.system, pages),
            agent_service_pb2: AgentServicer(database, pages, checking),
            execution_service_pb2: ExecutionServicer(database, pages, starting, followers),
            fork_service_pb2: ForkServicer(starting),
            statistics_service_pb2: StatisticsServicer(database),
            approval_service_pb2: ApprovalServicer(database, pages, engine.awake.set),
            log_service_pb2: LogServicer(database, pages, LogFollowers(database, bell)),
            usage_service_pb2: UsageServicer(database, pages),
            secret_service_pb2: SecretServicer(database, pages, sealer),
        }
        | open_triggers(service, settings, evaluation, sealer, engine)
        | open_deployments(service, evaluation, engine, followers)
    )
    return service, server


if __name__ == "__main__":
    run(ExecutionSettings, open_execution)
