"""What can go wrong with executions."""

from uuid import UUID

from chassis.errors import InvalidArgument, NotFound, Violation, WrongState


class InvalidInput(InvalidArgument):
    """The input does not fit ({problems}): {field}: {description}"""  # noqa: D415  # the description ends the sentence

    reason = "INVALID_INPUT"

    def __init__(self, *violations: Violation) -> None:
        self.violations = violations
        first = violations[0]
        super().__init__(problems=str(len(violations)), field=first.field, description=first.description)


class ExecutionNotFound(NotFound):
    """There is no execution {executionId} in this account."""

    reason = "EXECUTION_NOT_FOUND"

    def __init__(self, execution_id: UUID) -> None:
        super().__init__(executionId=str(execution_id))


class ExecutionNotRetriable(WrongState):
    """Execution {executionId} is {state}; only one that did not complete is tried again."""

    reason = "EXECUTION_NOT_RETRIABLE"

    def __init__(self, execution_id: UUID, state: str) -> None:
        super().__init__(executionId=str(execution_id), state=state)


class ExecutionEnded(WrongState):
    """Execution {executionId} is {state} already."""

    reason = "EXECUTION_ENDED"

    def __init__(self, execution_id: UUID, state: str) -> None:
        super().__init__(executionId=str(execution_id), state=state)
