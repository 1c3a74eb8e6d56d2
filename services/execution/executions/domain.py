"""An execution and its steps, and the rules of their lives."""

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from services.execution.definitions.domain import Definition, Type
from services.execution.executions.errors import ExecutionEnded


class State(Enum):
    """Where an execution is in its life; all but PENDING and RUNNING are final."""

    PENDING = "PENDING"
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
    While it is PENDING it has no `start_time`. One that goes on from another names it; `step_inputs` is what steps are
    given, by their paths, instead of what their expressions say.
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
    start_time: datetime | None
    end_time: datetime | None
    sequence: int
    parent_workflow_id: UUID | None = None
    priority: int = 0
    parent_execution_id: UUID | None = None
    parent_path: str | None = None
    parent_attempt: int | None = None
    depth: int = 0
    trigger_id: UUID | None = None
    trigger_depth: int = 0
    origin_execution_id: UUID | None = None
    origin_path: str | None = None
    step_inputs: dict[str, Any] | None = None
    agent_id: UUID | None = None
    deployment_id: UUID | None = None

    @property
    def entity_id(self) -> UUID:
        """The execution's id."""
        return self.execution_id

    @property
    def deadline(self) -> datetime:
        """When its time is up, which counts from its start."""
        return (self.start_time or self.create_time) + self.timeout

    def begin(self, now: datetime) -> "Execution":
        """Return an execution that waited as one that runs."""
        began = {"state": State.RUNNING, "version": self.version + 1, "update_time": now, "start_time": now}
        return replace(self, **began)  # type: ignore[arg-type]  # fields of this class

    def end(self, now: datetime, state: State, *, output: Any = None, failure: Failure | None = None) -> "Execution":
        """Return the execution as it ended. ExecutionEnded when it has."""
        if self.end_time is not None:
            raise ExecutionEnded(self.execution_id, self.state.name)
        ended: dict[str, Any] = {"state": state, "output": output, "failure": failure, "sequence": self.sequence + 1}
        return replace(self, **ended, version=self.version + 1, update_time=now, end_time=now)


@dataclass(frozen=True, slots=True)
class ExecutionSpec:
    """What somebody wants to run, and under which id: a workflow, an agent, or a definition of its own."""

    execution_id: UUID
    name: str
    workflow_id: UUID | None
    definition: Definition | None
    input: dict[str, Any]
    timeout: timedelta
    priority: int = 0
    trigger_id: UUID | None = None
    trigger_depth: int = 0
    agent_id: UUID | None = None
    deployment_id: UUID | None = None

    def begun(self, account_id: UUID, user_id: UUID, now: datetime) -> Execution:
        """Return the execution as it begins to run, for a person."""
        wanted = {each.name: getattr(self, each.name) for each in fields(self)}
        return Execution(
            **wanted,
            account_id=account_id,
            user_id=user_id,
            state=State.RUNNING,
            output=None,
            failure=None,
            steps_completed=0,
            steps_failed=0,
            version=1,
            create_time=now,
            update_time=now,
            start_time=now,
            end_time=None,
            sequence=0,
        )


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


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns what begins at once, for so many seconds until there is a sign of life.

    At most `limit` executions of an account run at a time, without those that are steps of others; 0 for any number.
    """

    lease: Lease
    seconds: float
    limit: int
