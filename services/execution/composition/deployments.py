"""What runs versions as endpoints."""

from types import ModuleType

from stateroom.execution.v1 import deployment_service_pb2, invocation_service_pb2, rollout_service_pb2

from chassis.service import Service
from services.execution.deployments.checking import HealthChecks
from services.execution.deployments.invoking import Invoking
from services.execution.deployments.servicer import DeploymentServicer, InvocationServicer, RolloutServicer, Shown
from services.execution.engine.engine import Engine
from services.execution.executions.follow import Followers
from services.execution.expressions import Evaluation


def open_deployments(
    service: Service, evaluation: Evaluation, engine: Engine, followers: Followers
) -> dict[ModuleType, object]:
    """Have the service look at deployments; returns the servicers by the modules of their contracts."""
    database, pages, shown = service.database, service.pages, Shown(service.database)
    service.loops.append(HealthChecks(database, service.system).run)
    invoking = Invoking(service.system, database, evaluation, engine, followers)
    return {
        deployment_service_pb2: DeploymentServicer(database, pages, shown),
        rollout_service_pb2: RolloutServicer(database, pages, shown),
        invocation_service_pb2: InvocationServicer(database, shown, invoking),
    }
