"""The access log: one line of JSON for each request, when it has ended."""

import asyncio
import os
import select
from contextlib import suppress
from datetime import UTC, datetime

import orjson

from gateway.credentials import without_credentials
from gateway.http import HttpRequest

_LINE = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
_LONGEST_TEXT = 1024  # characters; so a line goes into a pipe whole, also beside those of other workers
_AT_ONCE = select.PIPE_BUF  # bytes, for the same reason
_LATEST = 0.2
"""Seconds that a line may wait for others, so that several are one write."""


class AccessLog:
    """Writes lines with the fields of our other logs, beside them; `descriptor` is that of standard error.

    A line goes around `chassis.logs`, whose chain would take several times as long as all of this. It is written with
    others, 0.2 seconds later at most.
    """

    def __init__(self, process: str, descriptor: int) -> None:
        self._process = process
        self._descriptor = descriptor
        self._waiting = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def note(self, request: HttpRequest, status: int, bytes_sent: int, seconds: float) -> None:
        """Log a request that has ended; `status` is 0 when its client left before an answer."""
        fields = {
            "event": "request ended",
            "level": "info",
            "timestamp": datetime.now(UTC),
            "process": self._process,
            "action": "access",
            "method": _shown(request.method),
            "path": _shown(request.path),
            "rpc": request.rpc,
            "status": status,
            "milliseconds": round(seconds * 1000, 2),
            "bytes_sent": bytes_sent,
            "correlation_id": request.correlation_id,
            "trace_id": request.traceparent[3:35],
            "client_address": request.client_address,
            "user_agent": _shown(request.headers.get("user-agent", "")),
            "credential_id": request.credential_id,
            "account": request.account,
        }
        line = orjson.dumps(fields, option=_LINE)
        if len(self._waiting) + len(line) > _AT_ONCE:
            self.write()
        self._waiting += line
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LATEST, self._on_time)

    def write(self) -> None:
        """Write the lines that wait."""
        with suppress(OSError):  # a disk that is full, a reader that is gone: requests are answered all the same
            os.write(self._descriptor, self._waiting)
        self._waiting.clear()

    def _on_time(self) -> None:
        self._timer = None
        self.write()


def _shown(text: str) -> str:
    """Return what the log says of a text that the client chose."""
    return without_credentials(text)[:_LONGEST_TEXT]
