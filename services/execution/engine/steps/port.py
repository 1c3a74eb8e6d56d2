"""What the engine needs of a type of steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

from services.execution.definitions.domain import Step
from services.execution.logs.domain import Level


class Log(Protocol):
    """Takes what a step says, up to a limit; it is stored while the step runs."""

    def say(self, level: Level, text: str) -> None:
        """Say something, line by line."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a step. `number` counts from 1; `inputs` are the step's own, `variables` what its expressions see.

    `progress` is what it kept when it looked last, None at first; from then on there are neither inputs nor variables.
    `secrets` are the values of those that the step names, by their names.
    """

    account_id: UUID
    execution_id: UUID
    path: str
    step: Step
    number: int
    inputs: Mapping[str, Any]
    variables: Mapping[str, Any]
    log: Log
    progress: Any = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        """What stays the same over repetitions, for whoever has to recognise one."""
        return sha256(f"{self.execution_id}/{self.path}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Ended:
    """The step has ended well. Its output is JSON."""

    output: Any = None


@dataclass(frozen=True, slots=True)
class Sleeping:
    """The step ends at an instant, and nothing runs until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Looking:
    """The step looks again at an instant, or when its execution is roused; nothing runs until then.

    `progress` is what it keeps until then, JSON that is not None.
    """

    until: datetime
    progress: Any


@dataclass(frozen=True, slots=True)
class Opened:
    """The steps inside begin. `progress` is what was decided about them, and never decided again."""

    progress: Any = None


Result = Ended | Sleeping | Looking | Opened


class StepFailed(Exception):
    """The step failed: why for programs, and in a sentence for people."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        self.message = message
        super().__init__(message)


class StepType(Protocol):
    """Runs steps of one type. A run may be repeated, by this engine or another, and may be cancelled at any await."""

    async def run(self, attempt: Attempt, /) -> Result:
        """Do what the step says. Raises StepFailed."""
