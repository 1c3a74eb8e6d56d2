"""What can go wrong with executions."""

from uuid import UUID

from chassis.errors import NotFound, WrongState


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
