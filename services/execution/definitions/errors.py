"""What can go wrong with workflows."""

from collections.abc import Iterable
from uuid import UUID

from chassis.errors import InvalidArgument, NotFound, Violation, WrongState
from services.execution.versions.domain import Version


class InvalidWorkflow(InvalidArgument):
    """The workflow has problems ({problems}): {field}: {description}"""  # noqa: D415  # the description ends the sentence

    reason = "INVALID_WORKFLOW"

    def __init__(self, *violations: Violation) -> None:
        self.violations = violations
        first = violations[0]
        super().__init__(problems=str(len(violations)), field=first.field, description=first.description)


class WorkflowNotFound(NotFound):
    """There is no workflow {workflowId} in this account."""

    reason = "WORKFLOW_NOT_FOUND"

    def __init__(self, workflow_id: UUID) -> None:
        super().__init__(workflowId=str(workflow_id))


class WorkflowInWrongState(WrongState):
    """Workflow {workflowId} is {state}; this needs one that is {needed}."""

    reason = "WORKFLOW_IN_WRONG_STATE"

    def __init__(self, workflow_id: UUID, state: str, needed: str) -> None:
        super().__init__(workflowId=str(workflow_id), state=state, needed=needed)


class WorkflowNotDeleted(WrongState):
    """Workflow {workflowId} is not deleted."""

    reason = "WORKFLOW_NOT_DELETED"

    def __init__(self, workflow_id: UUID) -> None:
        super().__init__(workflowId=str(workflow_id))


class InUse(WrongState):
    """This is in use by {users}."""

    reason = "IN_USE"

    def __init__(self, users: Iterable[Version]) -> None:
        super().__init__(users=", ".join(f"{each.name} ({each.entity_id})" for each in users))
