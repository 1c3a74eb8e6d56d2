"""An execution and its steps, and the rules of their lives."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from services.execution.definitions.domain import Definition, Type
from services.execution.executions.errors import ExecutionEnded


class State(Enum):
    """Where an execution is in its life; all but RUNNING are final."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"


class StepState(Enum):
    """Where a step is in its life; all but RUNNING and WAITING are final."""

    RUNNING = "RUNNING"
    WAITING = "WAITING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something failed: for programs, for people, and which step is to blame."""

    reason: str
    message: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Execution:
    """What runs, or has run: a version of a workflow, or of an agent, or a `definition` of its own.

    One that is a step of another names its parent, and which attempt of which step it is; `depth` are around it.
    """

    execution_id: UUID
    account_id: UUID
    user_id: UUID
    name: str
    workflow_id: UUID | None
    definition: Definition | None
    input: dict[str, Any]
    timeout: timedelta
    state: State
    output: Any
    failure: Failure | None
    steps_completed: int
    steps_failed: int
    version: int
    create_time: datetime
    update_time: datetime
    start_time: datetime
    end_time: datetime | None
    sequence: int
    parent_execution_id: UUID | None = None
    parent_path: str | None = None
    parent_attempt: int | None = None
    depth: int = 0
    trigger_id: UUID | None = None
    trigger_depth: int = 0
    agent_id: UUID | None = None

    @property
    def entity_id(self) -> UUID:
        """The execution's id."""
        return self.execution_id

    @property
    def deadline(self) -> datetime:
        """When its time is up."""
        return self.start_time + self.timeout

    def end(self, now: datetime, state: State, *, output: Any = None, failure: Failure | None = None) -> "Execution":
        """Return the execution as it ended. ExecutionEnded when it has."""
        if self.end_time is not None:
            raise ExecutionEnded(self.execution_id, self.state.name)
        ended: dict[str, Any] = {"state": state, "output": output, "failure": failure, "sequence": self.sequence + 1}
        return replace(self, **ended, version=self.version + 1, update_time=now, end_time=now)


@dataclass(frozen=True, slots=True)
class StepExecution:
    """A step of an execution, from its begin on. `progress` is what a step with steps inside decided when it began."""

    path: str
    key: str
    type: Type
    state: StepState
    attempt: int
    start_time: datetime
    end_time: datetime | None = None
    wake_time: datetime | None = None
    progress: Any = None
    output: Any = None
    failure: Failure | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """Who owns an execution: every write says `epoch`, and is refused once there is a newer one."""

    engine_id: UUID
    epoch: int
