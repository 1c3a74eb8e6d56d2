"""A step that asks, and the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from chassis import ids
from services.execution.approvals.errors import ApprovalExpired


class State(Enum):
    """What came of it; all but PENDING are final."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Approval:
    """What a step asks, and the answer, which has the `approval_id`. `inputs` are known only while it is PENDING."""

    execution_id: UUID
    account_id: UUID
    path: str
    message: str
    request_time: datetime
    expire_time: datetime
    state: State = State.PENDING
    approval_id: UUID | None = None
    user_id: UUID | None = None
    comment: str = ""
    answer_time: datetime | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def entity_id(self) -> UUID:
        """The answer's id."""
        if self.approval_id is None:
            msg = "nobody has answered"
            raise ValueError(msg)
        return self.approval_id

    @property
    def version(self) -> int:
        """An answer never changes."""
        return 1

    def answer(self, now: datetime, state: State, user_id: UUID, comment: str) -> "Approval":
        """Return it with somebody's answer. ApprovalExpired when it comes too late."""
        if now >= self.expire_time:
            raise ApprovalExpired(self.execution_id, self.path, self.expire_time)
        return replace(self._closed(now, state), user_id=user_id, comment=comment)

    def expire(self, now: datetime) -> "Approval":
        """Return it as one that nobody answered."""
        return self._closed(now, State.EXPIRED)

    def _closed(self, now: datetime, state: State) -> "Approval":
        return replace(self, approval_id=ids.new(), state=state, answer_time=now, inputs={})
