"""What runs executions, and the kinds of resources whose changes it tells."""

from collections.abc import Mapping
from datetime import UTC, datetime

from chassis.actor import Actor
from chassis.changes import PendingChange, Registry, pending
from chassis.service import Service
from services.execution.agents.events import AGENT
from services.execution.approvals.events import APPROVAL
from services.execution.definitions.domain import Type
from services.execution.definitions.events import WORKFLOW
from services.execution.deployments.events import DEPLOYMENT
from services.execution.engine.checkpoints import Checkpoints
from services.execution.engine.engine import Engine
from services.execution.engine.journal import Journal
from services.execution.engine.run import Means
from services.execution.engine.steps.port import StepType
from services.execution.executions.domain import Execution
from services.execution.executions.events import EXECUTION
from services.execution.expressions import Evaluation
from services.execution.secrets.events import SECRET
from services.execution.templates.events import TEMPLATE
from services.execution.triggers.events import TRIGGER
from services.execution.webhooks.events import DELIVERY

REGISTRY = Registry(WORKFLOW, AGENT, TEMPLATE, EXECUTION, APPROVAL, TRIGGER, DELIVERY, SECRET, DEPLOYMENT)


def open_engine(service: Service, evaluation: Evaluation, types: Mapping[Type, StepType], limit: int) -> Engine:
    """Return an engine that is not running yet; `limit` executions of an account run at a time, 0 for any number."""
    checkpoints = Checkpoints(service.system, service.relay.wake)

    def owned() -> bool:
        return engine.owns()

    means = Means(types, evaluation, checkpoints, Journal(service.system), owned, _end_of)
    engine = Engine(service.database, service.system, means, limit)
    return engine


def _end_of(before: Execution, after: Execution) -> PendingChange:
    actor = Actor.of_service("execution", after.account_id)
    return pending(REGISTRY, actor, after.end_time or datetime.now(UTC), after.state.name.lower(), before, after)
