"""Where the events of an agent go: the log of its terminal, and nowhere else before. Secrets stay out of it."""

import asyncio
from collections import deque
from collections.abc import Callable

from google.protobuf.message import Message
from stateroom.agent.v1 import agent_event_pb2 as pb

from chassis import logs
from runner.record import RecordType
from runner.spool import Spool

MAXIMUM_EVENT = 64 * 1024
"""Bytes of an event. What agents tell is cut to that before, and people may ask less."""
_DISK_RETRY = 1.0
"""Seconds between two attempts to write to a disk that is full."""

_log = logs.get("agent")


class Journal:
    """Writes events in order.

    `clean` takes secrets out of a text; `blocked` is called with whether the agent should be read no further.
    """

    def __init__(
        self, session_id: str, spool: Spool, clean: Callable[[str], str], blocked: Callable[[bool], None]
    ) -> None:
        self._session_id = session_id
        self._spool = spool
        self._clean = clean
        self._blocked = blocked
        self._held: deque[bytes] = deque()

    def write(self, event: pb.AgentEvent) -> int:
        """Write an event and return its sequence. A disk that is full keeps it waiting, and all that follow."""
        _clean(event, self._clean)
        self._held.append(_fitting(event))
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


def _fitting(event: pb.AgentEvent) -> bytes:
    """Return an event as it is written. What replaces secrets may be longer than they are: then it loses content."""
    size = event.ByteSize()
    call = event.permission_request.tool_call if event.HasField("permission_request") else event.tool_call
    while event.ByteSize() > MAXIMUM_EVENT and call.content:
        del call.content[-1]
        call.omitted_contents += 1
    if event.ByteSize() > MAXIMUM_EVENT:
        fault = pb.Fault(message=f"What was told has {size} bytes, more than an event of a log; it is left out.")
        event = pb.AgentEvent(fault=fault, author=event.author if event.HasField("author") else None)
    return event.SerializeToString()


def _clean(message: Message, clean: Callable[[str], str]) -> None:
    """Clean all text in a message."""
    for field, value in message.ListFields():
        if isinstance(value, str):
            setattr(message, field.name, clean(value))
        elif isinstance(value, Message):
            _clean(value, clean)
        elif field.type == field.TYPE_MESSAGE:
            for each in value:
                _clean(each, clean)
        elif field.type == field.TYPE_STRING:
            value[:] = [clean(each) for each in value]
