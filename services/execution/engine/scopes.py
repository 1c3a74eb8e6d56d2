"""The parts of a plan: groups of steps that run, loops, and what follows from something."""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.execution.definitions.domain import Step
from services.execution.definitions.outline import Group
from services.execution.executions.domain import Failure, StepExecution


@dataclass(frozen=True, slots=True)
class Task:
    """A step to begin, for the first time or again; with what it keeps when it only goes on."""

    path: str
    step: Step
    attempt: int = 1
    start_time: datetime | None = None
    progress: Any = None


@dataclass(slots=True)
class Change:
    """What follows from something: records to store, and steps to begin once they are stored."""

    records: list[StepExecution] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an execution, or of a step with steps inside: a failure, or else its output."""

    output: Any = None
    failure: Failure | None = None


@dataclass(slots=True)
class Scope:
    """A group of steps that runs; inside a loop, in one of its turns. `owner` is the path of what it is inside of.

    `failure` is why nothing begins in it any more; it is `abandoned` when that is not its own.
    """

    group: Group
    prefix: str
    owner: str = ""
    index: int = 0
    item: Any = None
    begun: set[str] = field(default_factory=set)
    ended: dict[str, StepExecution] = field(default_factory=dict)
    failure: Failure | None = None
    abandoned: bool = False

    @property
    def output(self) -> Any:
        """The output of its last step."""
        return self.ended[self.group.last].output

    def ready(self) -> Iterator[Step]:
        """Yield the steps that can begin."""
        needs = self.group.needs
        for step in self.group.steps:
            if step.key not in self.begun and all(key in self.ended for key in needs[step.key]):
                yield step

    def seen(self) -> dict[str, Any]:
        """Return its steps that have ended as expressions see them."""
        return {
            key: {
                "state": record.state.name,
                "output": record.output,
                **({"failure": _seen(record.failure)} if record.failure else {}),
            }
            for key, record in self.ended.items()
        }


@dataclass(slots=True)
class Loop:
    """The turns of a loop: which are still to begin, how many run, and what came of the others.

    `begun` of those in `todo` had begun under another owner, and go on whatever has failed meanwhile.
    """

    items: list[Any]
    todo: deque[int]
    outputs: list[Any]
    begun: int = 0
    running: int = 0
    turning: bool = False
    failure: Failure | None = None
    abandoned: bool = False

    @classmethod
    def over(cls, items: list[Any], path: str, known: Collection[str]) -> "Loop":
        """Return a loop of which nothing runs. The turns that had begun come first: those with known records."""
        order = sorted(range(len(items)), key=lambda index: turn_prefix(path, index) not in known)
        begun = sum(turn_prefix(path, index) in known for index in order)
        return cls(items, deque(order), [None] * len(items), begun)

    def next(self, concurrency: int) -> int | None:
        """Return the turn to begin now, None for none."""
        if self.begun:
            self.begun -= 1
        elif not self.todo or self.failure is not None or self.running >= concurrency:
            return None
        self.running += 1
        return self.todo.popleft()

    def note(self, scope: Scope) -> None:
        """Take note of a turn that is over."""
        self.running -= 1
        self.failure = self.failure or scope.failure
        if scope.failure is None:
            self.outputs[scope.index] = scope.output


def prefix_of(path: str) -> str:
    """Return what the paths of all steps of a group begin with."""
    return path[: path.rfind("/") + 1]


def turn_prefix(path: str, index: int) -> str:
    """Return what the paths in one turn of a loop begin with."""
    return f"{path}[{index}]/"


def _seen(failure: Failure) -> dict[str, str]:
    return {"reason": failure.reason, "message": failure.message, "path": failure.path}
