"""What is said to a model and by it, whatever its protocol; as JSON, in which it outlives whoever asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.execution.definitions.domain import Llm

MOST = 10**12
"""Tokens that one answer can have taken."""
Message = Mapping[str, Any]
"""`role` is user, assistant or tool. A user's and an assistant's have `text`, an assistant's also `calls`: of `id`,
`name` and `arguments`. A tool's says by `id` which call it answers, with a `text`, and whether that is a failure."""


class BadAnswer(Exception):
    """What came is no answer of the protocol, or none of use; the argument says why, in a sentence."""


@dataclass(slots=True)
class Answer:
    """What a model has said so far. `arguments` of calls are the JSON text that it writes, by the calls' places."""

    text: str = ""
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0
    model: str = ""
    stop: str = ""
    """Why it ended; empty as long as it has not."""


class Dialect(Protocol):
    """How requests are written and answers are read in one protocol."""

    url: str
    """Where its author's endpoint is."""
    path: str
    """What follows the URL of an endpoint."""
    cut_off: str
    """How an answer stops that had no more tokens."""

    def headers(self, key: str) -> dict[str, str]:
        """Return the headers that show a key."""

    def body(self, llm: Llm, messages: list[Message]) -> dict[str, Any]:
        """Return what is asked."""

    def read(self, event: Mapping[str, Any], answer: Answer) -> str:
        """Take a part of an answer; returns the text in it. BadAnswer."""


def system_of(llm: Llm) -> str:
    """Return what a model is told beforehand, with the form of its answer."""
    form = (
        "Answer with JSON that fits the JSON Schema of the answer, and with nothing else." if llm.output_schema else ""
    )
    return "\n\n".join(filter(None, (llm.system, form)))


def count_of(value: Any) -> int:
    """Return how many tokens an endpoint says there are. BadAnswer for what is no number of tokens."""
    if not isinstance(value, int) or not 0 <= value <= MOST:
        msg = "its number of tokens is none"
        raise BadAnswer(msg)
    return value
