"""What a workflow does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from services.execution.definitions.errors import WorkflowInWrongState, WorkflowNotDeleted, WorkflowNotFound
from services.execution.versions.domain import Refusals, Version


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
    AGENT = "AGENT"
    LLM = "LLM"


CONTAINERS = frozenset({Type.CONDITION, Type.LOOP, Type.PARALLEL})
"""Types with steps inside."""
UNTIMED = CONTAINERS | {Type.WAIT, Type.APPROVAL, Type.WORKFLOW, Type.AGENT}
"""Types that are over when something else is: their runs have no timeout."""
RUN_ONCE = UNTIMED - {Type.WORKFLOW, Type.AGENT}
"""Types that are not tried again."""


TAKE_INPUTS = frozenset({Type.DATA, Type.APPROVAL, Type.WORKFLOW, Type.CODE, Type.API, Type.AGENT})
"""Types that are given something."""


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
    have a filter, `jq`. An AGENT runs the version `agent_id` of an agent.

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
    agent_id: str = ""
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
    """What a workflow does. The input of its executions fits `input_schema`, a JSON Schema, if there is one."""

    steps: tuple[Step, ...]
    input_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """Executions of all versions of a workflow, of which so many may run at a time; 0 for any number."""

    parent_workflow_id: UUID
    max_concurrent_executions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow(Version):
    """One version of a workflow."""

    ID = "workflow_id"
    REFUSALS = Refusals(WorkflowNotFound, WorkflowInWrongState, WorkflowNotDeleted)

    workflow_id: UUID
    parent_workflow_id: UUID
    definition: Definition
    max_concurrent_executions: int = 0
