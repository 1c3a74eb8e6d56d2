"""Expressions, checked and evaluated in a child process with limits of memory and time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from services.execution.child import Child, TooMuch
from services.execution.filters import Filters


@dataclass(frozen=True, slots=True)
class Question:
    """An expression to check; inside a loop it sees `item` and `index`, that of a trigger `event` and nothing else."""

    text: str
    in_loop: bool = False
    of_event: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What an expression gives when it is evaluated, such as `BOOL` or `DYN`; or what is wrong with it."""

    type: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where something does not fit a schema, such as `.a[0]`, and why."""

    place: str
    what: str


class ExpressionFailed(Exception):
    """An expression has no value; the argument says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Expressions:
    """Checks and evaluates expressions. Beside them are schemas and filters, each in a child of their own."""

    child: Child = field(default_factory=lambda: Child("services.execution.evaluator"))
    schemas: Child = field(default_factory=lambda: Child("services.execution.validator"))
    filters: Filters = field(default_factory=Filters)

    async def check(self, questions: Sequence[Question]) -> list[Answer]:
        """Return an answer to each question."""
        if not questions:
            return []
        try:
            return [
                Answer(**answer) for answer in await self.child.ask({"check": [asdict(each) for each in questions]})
            ]
        except TooMuch as exc:
            return [Answer(problem=str(exc)) for _ in questions]

    async def evaluate(self, texts: Mapping[str, str], variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of expressions by their names. ExpressionFailed says which has none, and why."""
        if not texts:
            return {}
        try:
            answers = await self.child.ask({"evaluate": list(texts.values()), "variables": variables})
        except TooMuch as exc:
            raise ExpressionFailed(str(exc)) from exc
        values = dict(zip(texts, answers, strict=True))
        for name, answer in values.items():
            if "problem" in answer:
                raise ExpressionFailed(f"{name}: {answer['problem']}" if len(texts) > 1 else answer["problem"])
        return {name: answer["value"] for name, answer in values.items()}

    async def check_schema(self, schema: Mapping[str, Any]) -> list[Misfit]:
        """Return what is wrong with a JSON Schema."""
        return await self._misfits({"schema": schema})

    async def misfits(self, schema: Mapping[str, Any], value: Any) -> list[Misfit]:
        """Return where a value does not fit a schema."""
        return await self._misfits({"schema": schema, "value": value})

    async def close(self) -> None:
        """End the children."""
        await self.child.close()
        await self.schemas.close()
        await self.filters.child.close()

    async def _misfits(self, question: Mapping[str, Any]) -> list[Misfit]:
        try:
            return [Misfit(**each) for each in await self.schemas.ask(question)]
        except TooMuch as exc:
            return [Misfit("", str(exc))]
