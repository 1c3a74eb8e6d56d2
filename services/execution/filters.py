"""Filters of jq, checked and run in a child process."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.execution.child import Child, TooMuch


class FilterFailed(Exception):
    """A filter gives no value; the argument says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Runs filters of an account."""

    child: Child
    account_id: UUID

    async def problem_of(self, text: str) -> str:
        """Return what is wrong with a filter; empty when nothing is."""
        try:
            return str((await self.child.ask(self.account_id, {"filter": text})).get("problem", ""))
        except TooMuch as exc:
            return str(exc)

    async def run(self, text: str, value: Any) -> Any:
        """Return what a filter makes of a value. FilterFailed."""
        try:
            answer = await self.child.ask(self.account_id, {"filter": text, "value": value})
        except TooMuch as exc:
            raise FilterFailed(str(exc)) from exc
        if "problem" in answer:
            raise FilterFailed(answer["problem"])
        return answer["value"]
