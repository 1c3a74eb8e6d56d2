"""How workflows appear in change events."""

from chassis.changes import EntityKind
from services.execution.definitions import convert, store
from services.execution.definitions.domain import Workflow

WORKFLOW = EntityKind("workflow", Workflow, convert.workflow_to_proto, store.get_workflow)
