"""What a workflow does, and the rules of its life."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from chassis import ids
from services.execution.definitions.errors import WorkflowInWrongState, WorkflowNotDeleted, WorkflowNotFound


class State(Enum):
    """Where a version is in its life."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class Type(Enum):
    """What a step does."""

    NOOP = "NOOP"
    DATA = "DATA"
    CONDITION = "CONDITION"
    LOOP = "LOOP"
    PARALLEL = "PARALLEL"
    WAIT = "WAIT"
    APPROVAL = "APPROVAL"
    WORKFLOW = "WORKFLOW"
    CODE = "CODE"
    API = "API"
    LLM = "LLM"


CONTAINERS = frozenset({Type.CONDITION, Type.LOOP, Type.PARALLEL})
"""Types with steps inside."""
UNTIMED = CONTAINERS | {Type.WAIT, Type.APPROVAL, Type.WORKFLOW}
"""Types that are over when something else is: their runs have no timeout."""
RUN_ONCE = UNTIMED - {Type.WORKFLOW}
"""Types that are not tried again."""


class OnError(Enum):
    """What a step's failure means."""

    FAIL = "FAIL"
    CONTINUE = "CONTINUE"
    RETRY = "RETRY"


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Durations are in seconds; what its type does not use has its default.

    `expression` decides a CONDITION, and gives the items of a LOOP, the URL of an API and the prompt of an LLM. `steps`
    are inside a LOOP or PARALLEL, `then` and `otherwise` inside a CONDITION. A WAIT has `duration` or `time`. An
    APPROVAL waits `duration` for an answer to `message`. A WORKFLOW runs what is ACTIVE of the family of `workflow_id`,
    `duration` at most. A CODE runs `source`, in a `language`, in a workspace; its `max_memory` is in MiB. A DATA may
    have a filter, `jq`.

    `secrets` names secrets of the account, by the variables of a CODE and the headers of an API in which they stand; a
    header has one of the `prefixes` before it. That of an LLM is its `KEY`.
    """

    key: str
    type: Type
    name: str = ""
    depends_on: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    retry_count: int = 0
    retry_delay: float = 1.0
    timeout: float | None = None
    on_error: OnError = OnError.FAIL
    expression: str = ""
    then: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    concurrency: int = 1
    duration: float | None = None
    time: datetime | None = None
    message: str = ""
    workflow_id: str = ""
    workspace_id: str = ""
    language: str = ""
    source: str = ""
    max_memory: int = 512
    max_processes: int = 64
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    jq: str = ""
    llm: "Llm | None" = None


KEY = "key"
"""By what name the secret of an LLM is among its secrets."""


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model may call: a CODE or API, which is run as a step of its own with what it is called with."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    step: Step


@dataclass(frozen=True, slots=True)
class Llm:
    """What an LLM asks, beside its prompt and its key. Prices are those of a million tokens."""

    protocol: str
    model: str
    base_url: str = ""
    system: str = ""
    max_tokens: int = 4096
    max_turns: int = 8
    output_schema: Mapping[str, Any] | None = None
    tools: tuple[Tool, ...] = ()
    input_price: float = 0.0
    output_price: float = 0.0


@dataclass(frozen=True, slots=True)
class Definition:
    """What a workflow does."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Workflow:
    """One version of a workflow."""

    workflow_id: UUID
    account_id: UUID
    parent_workflow_id: UUID
    version_number: int
    user_id: UUID
    name: str
    description: str
    tags: tuple[str, ...]
    definition: Definition
    state: State
    version: int
    create_time: datetime
    update_time: datetime
    delete_time: datetime | None = None
    deleted_by: UUID | None = None

    @property
    def entity_id(self) -> UUID:
        """The version's id."""
        return self.workflow_id

    def update(self, now: datetime, values: Mapping[str, Any]) -> "Workflow":
        """Return the version with other values, itself when it has them all. WorkflowNotFound when it is deleted."""
        self.expect_kept()
        changed = {name: value for name, value in values.items() if value != getattr(self, name)}
        return self._changed(now, **changed) if changed else self

    def next(self, now: datetime, version_number: int, user_id: UUID) -> "Workflow":
        """Return the next version, as a DRAFT that says the same."""
        fresh = {"workflow_id": ids.new(), "version_number": version_number, "user_id": user_id}
        return replace(self, state=State.DRAFT, version=1, create_time=now, update_time=now, **fresh)  # type: ignore[arg-type]  # fields of this class

    def activate(self, now: datetime) -> "Workflow":
        """Return the version as the one that executions are started from. WorkflowInWrongState when it is."""
        self.expect(State.DRAFT, State.INACTIVE)
        return self._changed(now, state=State.ACTIVE)

    def deactivate(self, now: datetime) -> "Workflow":
        """Return the version as one that another has taken the place of."""
        return self._changed(now, state=State.INACTIVE)

    def delete(self, now: datetime, user_id: UUID) -> "Workflow":
        """Return the version deleted. WorkflowNotFound when it was."""
        self.expect_kept()
        state = State.INACTIVE if self.state is State.ACTIVE else self.state
        return self._changed(now, state=state, delete_time=now, deleted_by=user_id)

    def undelete(self, now: datetime) -> "Workflow":
        """Return the version brought back. WorkflowNotDeleted."""
        if self.delete_time is None:
            raise WorkflowNotDeleted(self.workflow_id)
        return self._changed(now, delete_time=None, deleted_by=None)

    def expect(self, *states: State) -> None:
        """Raise WorkflowNotFound when it is deleted, WorkflowInWrongState unless it is in one of the states."""
        self.expect_kept()
        if self.state not in states:
            needed = " or ".join(state.name for state in states)
            raise WorkflowInWrongState(self.workflow_id, self.state.name, needed)

    def expect_kept(self) -> None:
        """Raise WorkflowNotFound when it is deleted."""
        if self.delete_time is not None:
            raise WorkflowNotFound(self.workflow_id)

    def _changed(self, now: datetime, **values: Any) -> "Workflow":
        return replace(self, version=self.version + 1, update_time=now, **values)
