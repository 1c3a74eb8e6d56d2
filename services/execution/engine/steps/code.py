"""Steps that run code in the runner of a workspace."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from stateroom.runner.v1 import record_pb2
from stateroom.runner.v1 import runner_service_pb2 as pb

from chassis import faults
from chassis.actor import Actor
from chassis.database import Database
from chassis.errors import DomainError, Unavailable
from services.execution.code import operations
from services.execution.code.domain import CodeRun
from services.execution.code.rooms import Rooms
from services.execution.engine.steps import values
from services.execution.engine.steps.patience import patiently
from services.execution.engine.steps.port import Attempt, Ended, Log, Result, StepFailed
from services.execution.executions.convert import INPUT
from services.execution.logs.domain import Level
from services.execution.logs.queries import count_lines

SECONDS = 300.0
"""How long code may run unless its step says otherwise."""

_GRACE = 60.0  # seconds beyond that, in which a runner that does not answer may come back

_LEVELS = {b"o ": Level.INFO, b"e ": Level.WARNING}  # by what a line of the program begins with: output or errors
_Type = record_pb2.Record.Type

_NOTED = faults.Point("code.noted", "It is noted that code runs in a runner, which knows nothing of it.")
_OPENED = faults.Point("code.opened", "Code runs in a runner, and nobody follows what it says.")
_REPORTED = faults.Point("code.reported", "Code has ended, and nothing says so but its runner.")


@dataclass(frozen=True, slots=True)
class Code:
    """Runs code. What runs is noted before it begins, so that whoever repeats the attempt joins it.

    Nothing is ended here: once the attempt is over, for whatever reason, `Leftovers` sees to it.
    """

    database: Database
    rooms: Rooms

    async def run(self, attempt: Attempt) -> Result:
        """Run it to its end."""
        if len(json.dumps(attempt.inputs)) > INPUT:
            raise StepFailed("INPUT_TOO_LARGE", f"what it is given is larger than {INPUT // 1024} KiB")
        printed = _Printed(attempt.log, await patiently(partial(self._known, attempt)))
        try:
            async with asyncio.timeout((attempt.step.timeout or SECONDS) + _GRACE):
                report = await patiently(partial(self._report, attempt, printed))
        except DomainError as exc:
            raise StepFailed(exc.reason, exc.message) from exc
        except TimeoutError as exc:
            raise StepFailed("RUN_LOST", "its time is long up, and its runner does not answer") from exc
        _REPORTED.reach()
        if "failure" in report:
            raise StepFailed(report["failure"]["reason"], report["failure"]["message"])
        return Ended(values.storable(report["result"]["output"]))

    async def _known(self, attempt: Attempt) -> int:
        return await self.database.read(
            Actor.of_service("execution", attempt.account_id),
            count_lines,
            execution_id=attempt.execution_id,
            path=attempt.path,
            attempt=attempt.number,
        )

    async def _report(self, attempt: Attempt, printed: "_Printed") -> dict[str, Any]:
        """Have it run and return its report; made again when the runner or the database does not answer."""
        workspace_id = UUID(attempt.step.workspace_id)
        room = await self.rooms.find(attempt.account_id, workspace_id, for_new_work=True)
        run = await self.database.write(
            Actor.of_service("execution", attempt.account_id),
            operations.begin_run,
            execution_id=attempt.execution_id,
            path=attempt.path,
            attempt=attempt.number,
            workspace_id=workspace_id,
            runner_id=room.runner_id,
        )
        if run.runner_id != room.runner_id:
            raise StepFailed("RUN_LOST", "the runner that ran it died")
        _NOTED.reach()
        await room.open(run.code_run_id, _errand(attempt, run), attempt.secrets)
        _OPENED.reach()
        async with aclosing(room.records(run.code_run_id, printed.sequence)) as records:
            return await _followed(records, printed, str(run.code_run_id))


@dataclass(slots=True)
class _Printed:
    """What was printed so far: up to which record, and the line that has no end yet.

    The first `known` lines were logged by whoever this attempt was taken over from.
    """

    log: Log
    known: int
    sequence: int = 0
    rest: bytes = b""
    report: bytes = b""

    def take(self, record: record_pb2.Record, mark: str) -> None:
        """Log the lines of a record; the last one behind the mark is the report."""
        self.sequence = record.sequence
        if record.type != _Type.OUTPUT:
            return
        *lines, self.rest = (self.rest + record.data).split(b"\n")
        begin = f"\x1e{mark} ".encode()
        for line in lines:
            if line[:2] in _LEVELS:
                self._say(_LEVELS[line[:2]], line[2:].decode(errors="replace"))
            elif line.startswith(begin):
                self.report = line.removeprefix(begin)

    def _say(self, level: Level, line: str) -> None:
        if self.known:
            self.known -= 1
        else:
            self.log.say(level, line)


async def _followed(records: AsyncIterator[record_pb2.Record], printed: _Printed, mark: str) -> dict[str, Any]:
    async for record in records:
        printed.take(record, mark)
        if record.type == _Type.EXIT:
            return _read(printed.report, record)
    raise Unavailable


def _read(report: bytes, ended: record_pb2.Record) -> dict[str, Any]:
    if not report:
        how = f"signal {ended.exit_signal}" if ended.exit_signal else f"exit code {ended.exit_code}"
        why = ended.reason or how
        raise StepFailed("RUN_LOST", f"what ran it ended without a report: {why}")
    read: dict[str, Any] = json.loads(report)
    return read


def _errand(attempt: Attempt, run: CodeRun) -> pb.Errand:
    step = attempt.step
    wanted = {
        "language": step.language,
        "source": step.source,
        "inputs": dict(attempt.inputs),
        "key": attempt.key,
        "environment": {name: attempt.secrets[secret] for name, secret in step.secrets.items()},
        "seconds": step.timeout or SECONDS,
        "memory": step.max_memory * 1024 * 1024,
        "processes": step.max_processes,
    }
    order = {"mark": str(run.code_run_id), "run_code": wanted}
    return pb.Errand(program="run_code", order=json.dumps(order, ensure_ascii=False).encode())
