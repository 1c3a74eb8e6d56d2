"""Expressions, checked and evaluated in a child process with limits of memory and time."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from chassis import logs, settings

SECONDS = 2.0
"""How long the expressions of one step may take together."""
LIMIT = 16 * 1024 * 1024
"""Bytes of one question or answer."""

_log = logs.get("expressions")


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


@dataclass(slots=True)
class Expressions:
    """One child process, started when it is first asked, and again after it was killed. It answers one by one."""

    process: Process | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def check(self, questions: Sequence[Question]) -> list[Answer]:
        """Return an answer to each question."""
        if not questions:
            return []
        asked = [asdict(each) for each in questions]
        try:
            return [Answer(**answer) for answer in await self._ask({"check": asked})]
        except ExpressionFailed as exc:
            return [Answer(problem=str(exc)) for _ in questions]

    async def evaluate(self, texts: Mapping[str, str], variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of expressions by their names. ExpressionFailed says which has none, and why."""
        if not texts:
            return {}
        answers = await self._ask({"evaluate": list(texts.values()), "variables": variables})
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
        """End the child."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def _misfits(self, question: Mapping[str, Any]) -> list[Misfit]:
        try:
            return [Misfit(**each) for each in await self._ask(question)]
        except ExpressionFailed as exc:
            return [Misfit("", str(exc))]

    async def _ask(self, question: Mapping[str, Any]) -> list[dict[str, Any]]:
        line = json.dumps(question).encode() + b"\n"
        if len(line) > LIMIT:
            msg = "what it could see is too large"
            raise ExpressionFailed(msg)
        async with self.turn:
            try:
                return await self._answer(await self._child(), line)
            except BaseException:
                await self.close()  # whoever asks next must not get an answer that nobody waited for
                raise

    async def _answer(self, child: Process, line: bytes) -> list[dict[str, Any]]:
        if child.stdin is None or child.stdout is None:
            msg = "a child without pipes"
            raise RuntimeError(msg)
        try:
            async with asyncio.timeout(SECONDS):
                child.stdin.write(line)
                await child.stdin.drain()
                answer = await child.stdout.readline()
        except (TimeoutError, ConnectionError, ValueError) as exc:
            _log.warning("an expression was too much", error=repr(exc))
            answer = b""
        if not answer:
            msg = f"took more than {SECONDS:g} s, or more memory than there is for it"
            raise ExpressionFailed(msg)
        answers: list[dict[str, Any]] = json.loads(answer)
        return answers

    async def _child(self) -> Process:
        if self.process is None or self.process.returncode is not None:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "services.execution.evaluator"),
                stdin=PIPE,
                stdout=PIPE,
                limit=LIMIT,
                env=settings.inherited("PYTHONPATH"),
            )
            await self._started(self.process)
        return self.process

    async def _started(self, child: Process) -> None:
        """Wait for its first line, so that its start is not part of anybody's time."""
        if child.stdout is None or not await child.stdout.readline():
            msg = "the evaluator does not start"
            raise RuntimeError(msg)
