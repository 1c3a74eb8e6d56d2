"""The runner's end of one session: where its records come from, and who is told what need not be kept."""

import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

from stateroom.runner.v1 import record_pb2
from stateroom.runner.v1 import runner_service_pb2 as pb

from services.session.sessions import convert
from services.session.sessions.domain import Session
from services.session.sessions.live.runners import Runner, Runners
from services.session.sessions.log import Record


@dataclass(frozen=True, slots=True)
class Source:
    """A terminal's records at its runner. Every method raises the DomainError that keeps it from its work."""

    runners: Runners
    session: Session

    async def records(self, after: int) -> AsyncIterator[list[Record]]:
        """Yield runs of records after a sequence: those that are kept, then new ones as they come, up to the last."""
        runner = await self._runner()
        async for response in runner.records(self.session.session_id, after):
            yield [convert.record_from_runner(record) for record in response.records]

    async def is_left_over(self) -> bool:
        """Whether the run of the runner that opened the terminal is over, so that its spool is all there is."""
        return (await self._runner()).runner_id != self.session.runner_id

    async def terminal(self) -> pb.Terminal | None:
        """Return the terminal as it is now; None when it is over and everything was acknowledged."""
        return await (await self._runner()).terminal(self.session.session_id)

    async def acknowledge(self, sequence: int) -> None:
        """Tell the runner that it may drop what it has up to a sequence, and with the last one the terminal."""
        runner = await self._runner()
        request = record_pb2.AcknowledgeRecordsRequest(session_id=str(self.session.session_id), sequence=sequence)
        await runner.call(runner.stub.AcknowledgeRecords, request)

    async def kill(self) -> None:
        """Kill the terminal's processes."""
        runner = await self._runner()
        request = pb.SignalTerminalRequest(session_id=str(self.session.session_id), signal=signal.SIGKILL)
        await runner.call(runner.stub.SignalTerminal, request)

    def doubt(self) -> None:
        """Ask the workspace service again where the runner is."""
        self.runners.forget(self.session.workspace_id)

    async def _runner(self) -> Runner:
        return await self.runners.find(self.session.account_id, self.session.workspace_id)
