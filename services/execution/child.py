"""A child process that answers questions, one line of JSON for each, within limits of memory and time."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chassis import environment, logs
from services.execution.turns import Turns

SECONDS = 2.0
"""How long one answer may take."""
LIMIT = 16 * 1024 * 1024
"""Bytes of one question or answer."""

_TOO_MUCH = f"took more than {SECONDS:g} s, or more memory than there is for it"

_log = logs.get("child")


class TooMuch(Exception):
    """A question, or what it takes to answer it, is too much; the argument says so."""


@dataclass(slots=True)
class Child:
    """One process of a module, started when it is first asked, and again after it was killed. It answers one by one."""

    module: str
    process: Process | None = None
    turns: Turns = field(default_factory=Turns)

    async def ask(self, account_id: UUID, question: Mapping[str, Any]) -> Any:
        """Return the answer to a question of an account, whose questions wait for each other first. TooMuch."""
        line = json.dumps(question).encode() + b"\n"
        if len(line) > LIMIT:
            msg = "what it could see is too large"
            raise TooMuch(msg)
        async with self.turns.turn(account_id):
            try:
                answer = await self._answer(line)
                if not answer:  # perhaps for want of memory that others before have left it without
                    await self.close()
                    answer = await self._answer(line)
                return _read(answer)
            except BaseException:
                await self.close()  # whoever asks next must not get an answer that nobody waited for
                raise

    async def close(self) -> None:
        """End the process."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def _answer(self, line: bytes) -> bytes:
        """Return a line; empty when the process has ended. TooMuch when it takes too long."""
        child = await self._started()
        if child.stdin is None or child.stdout is None:
            msg = "a child without pipes"
            raise RuntimeError(msg)
        try:
            async with asyncio.timeout(SECONDS):
                child.stdin.write(line)
                await child.stdin.drain()
                return await child.stdout.readline()
        except ConnectionError:
            return b""
        except (TimeoutError, ValueError) as exc:
            _log.warning("a question was too much", module=self.module, error=repr(exc))
            raise TooMuch(_TOO_MUCH) from exc

    async def _started(self) -> Process:
        """Return the process, once its first line is there, so that its start is not part of anybody's time."""
        if self.process is None or self.process.returncode is not None:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", self.module),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,  # filters may write there what they like
                limit=LIMIT,
                env=environment.inherited("PYTHONPATH"),
            )
            if self.process.stdout is None or not await self.process.stdout.readline():
                msg = f"{self.module} does not start"
                raise RuntimeError(msg)
        return self.process


def _read(answer: bytes) -> Any:
    """Return what an answer says. TooMuch for none, and for one whose parts are too deep inside each other."""
    if not answer:
        raise TooMuch(_TOO_MUCH)
    try:
        return json.loads(answer)
    except RecursionError as exc:
        raise TooMuch(_TOO_MUCH) from exc
