"""Where the events of an agent go: the log of its terminal, and nowhere else before."""

import asyncio
from collections import deque
from collections.abc import Callable

from stateroom.agent.v1 import agent_event_pb2 as pb

from chassis import logs
from runner.record import MAXIMUM_BODY, RecordType
from runner.spool import Spool

_DISK_RETRY = 1.0
"""Seconds between two attempts to write to a disk that is full."""

_log = logs.get("agent")


class Journal:
    """Writes events in order; `blocked` is called with whether the agent should be read no further."""

    def __init__(self, session_id: str, spool: Spool, blocked: Callable[[bool], None]) -> None:
        self._session_id = session_id
        self._spool = spool
        self._blocked = blocked
        self._held: deque[bytes] = deque()

    def write(self, event: pb.AgentEvent) -> int:
        """Write an event and return its sequence. A disk that is full keeps it waiting, and all that follow."""
        body = event.SerializeToString()
        if len(body) > MAXIMUM_BODY:
            fault = pb.Fault(
                message=f"The agent told {len(body)} bytes at once, more than a log takes; they are left out."
            )
            body = pb.AgentEvent(fault=fault).SerializeToString()
        self._held.append(body)
        self.resume()
        return self._spool.end_sequence + len(self._held)

    @property
    def written(self) -> bool:
        """Whether nothing waits for the disk."""
        return not self._held

    def resume(self) -> None:
        """Write what waits, and say whether there is room for more."""
        while self._held:
            try:
                self._spool.append(RecordType.AGENT, [self._held[0]])
            except OSError as error:
                _log.error("The spool cannot be written", session_id=self._session_id, errno=error.errno)
                asyncio.get_running_loop().call_later(_DISK_RETRY, self.resume)
                break
            self._held.popleft()
        self._blocked(bool(self._held) or self._spool.full)
