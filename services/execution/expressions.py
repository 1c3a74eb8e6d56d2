"""Expressions, checked and evaluated in a child process with limits of memory and time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

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
class Evaluation:
    """The children that evaluate: one for expressions, one for schemas and one for filters. Accounts take turns."""

    child: Child = field(default_factory=lambda: Child("services.execution.evaluator"))
    schemas: Child = field(default_factory=lambda: Child("services.execution.validator"))
    filters: Child = field(default_factory=lambda: Child("services.execution.filterer"))

    def of(self, account_id: UUID) -> "Expressions":
        """Return what an account may ask."""
        return Expressions(self, account_id)

    async def close(self) -> None:
        """End the children."""
        for child in (self.child, self.schemas, self.filters):
            await child.close()


@dataclass(frozen=True, slots=True)
class Expressions:
    """Checks and evaluates expressions of an account."""

    evaluation: Evaluation
    account_id: UUID

    @property
    def filters(self) -> Filters:
        """Its filters."""
        return Filters(self.evaluation.filters, self.account_id)

    async def check(self, questions: Sequence[Question]) -> list[Answer]:
        """Return an answer to each question."""
        if not questions:
            return []
        try:
            answers = await self.evaluation.child.ask(self.account_id, {"check": [asdict(each) for each in questions]})
            return [Answer(**answer) for answer in answers]
        except TooMuch as exc:
            return [Answer(problem=str(exc)) for _ in questions]

    async def evaluate(self, texts: Mapping[str, str], variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of expressions by their names. ExpressionFailed says which has none, and why."""
        if not texts:
            return {}
        try:
            answers = await self.evaluation.child.ask(
                self.account_id, {"evaluate": list(texts.values()), "variables": variables}
            )
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

    async def _misfits(self, question: Mapping[str, Any]) -> list[Misfit]:
        try:
            return [Misfit(**each) for each in await self.evaluation.schemas.ask(self.account_id, question)]
        except TooMuch as exc:
            return [Misfit("", str(exc))]
