"""How approvals appear in change events: who answered, and what. What was shown stays out."""

from chassis.changes import EntityKind
from services.execution.approvals import convert, store
from services.execution.approvals.domain import Approval

APPROVAL = EntityKind("approval", Approval, convert.approval_to_proto, store.get_answer)
