"""What can go wrong with answers."""

from datetime import datetime
from uuid import UUID

from chassis.errors import NotFound, WrongState


class ApprovalNotFound(NotFound):
    """Step {path} of execution {executionId} waits for no answer."""

    reason = "APPROVAL_NOT_FOUND"

    def __init__(self, execution_id: UUID, path: str) -> None:
        super().__init__(executionId=str(execution_id), path=path)


class ApprovalAnswered(WrongState):
    """Step {path} of execution {executionId} is {state} already, by user {userId}."""

    reason = "APPROVAL_ANSWERED"

    def __init__(self, execution_id: UUID, path: str, state: str, user_id: UUID) -> None:
        super().__init__(executionId=str(execution_id), path=path, state=state, userId=str(user_id))


class ApprovalExpired(WrongState):
    """Step {path} of execution {executionId} waited for an answer until {expireTime}."""

    reason = "APPROVAL_EXPIRED"

    def __init__(self, execution_id: UUID, path: str, expire_time: datetime) -> None:
        super().__init__(executionId=str(execution_id), path=path, expireTime=expire_time.isoformat())
