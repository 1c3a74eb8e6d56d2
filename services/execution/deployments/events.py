"""How deployments appear in change events."""

from chassis.changes import EntityKind
from services.execution.deployments import convert, store
from services.execution.deployments.domain import Deployment

DEPLOYMENT = EntityKind("deployment", Deployment, convert.deployment_to_proto, store.get_deployment)
