"""What metrics, spans and the access log of a gateway process show: its requests."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from chassis import trace
from gateway.access_log import AccessLog
from gateway.http import HttpRequest, Message, Send

_SWITCHING_PROTOCOLS = 101
_SERVER_ERRORS = 500
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_STARTS = {"http.response.start", "websocket.http.response.start"}
_BODIES = {"http.response.body", "websocket.http.response.body"}


class Answering:
    """A request under way; called in the place of ASGI's `send`, it notes what is sent."""

    def __init__(self, request: HttpRequest, send: Send) -> None:
        self.request = request
        self.status = 0
        self.bytes_sent = 0
        self.began = time.time_ns()
        self._send = send
        self._at = time.perf_counter()

    def __call__(self, message: Message) -> Awaitable[None]:
        """Send a message."""
        kind = message["type"]
        if kind in _BODIES:
            self.bytes_sent += len(message["body"])
        elif kind in _STARTS:
            self.status = message["status"]
        elif kind == "websocket.send":
            text = message.get("text")
            self.bytes_sent += len(message["bytes"] if text is None else text.encode())
        elif kind == "websocket.accept":
            self.status = _SWITCHING_PROTOCOLS
        return self._send(message)

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.perf_counter() - self._at


class Requests:
    """The requests under way; tells who wants to know of each when it ends.

    An open WebSocket is a request with status 101, one without an answer has status 0.
    """

    def __init__(self, access_log: AccessLog | None) -> None:
        self.open = 0
        self._access_log = access_log
        self._measure: Callable[[tuple[str, ...], float], None] | None = None
        self._none_open = asyncio.Event()
        self._none_open.set()

    def serve(self, listen: str) -> Callable[[], None]:
        """Serve the metrics at `host:port`. Returns what ends it."""
        from chassis.metrics import Metrics  # noqa: PLC0415  # 3 MB that only who asks for metrics pays

        metrics = Metrics("gateway")
        description = "Requests, when they are answered; a stream lasts while it is open."
        self._measure = metrics.durations("stateroom_http_duration_seconds", description, "method", "status")
        metrics.reading("stateroom_http_open", "Requests under way, streams among them.", lambda: self.open)
        return metrics.serve(listen)

    def begin(self, request: HttpRequest, send: Send) -> Answering:
        """Return a request under way, which has to be ended."""
        self.open += 1
        self._none_open.clear()
        return Answering(request, send)

    def end(self, answering: Answering) -> None:
        """Tell of a request that has ended."""
        self.open -= 1
        if not self.open:
            self._none_open.set()
        request, status, seconds = answering.request, answering.status, answering.seconds
        if self._measure is not None:
            self._measure((request.rpc, str(status)), seconds)
        if trace.is_recorded():
            trace.served(_span(request, status, answering.began), request.headers.get(trace.HEADER))
        if self._access_log is not None:
            self._access_log.note(request, status, answering.bytes_sent, seconds)

    def flush(self) -> None:
        """Write what waits to be logged."""
        if self._access_log is not None:
            self._access_log.write()

    async def until_none(self) -> None:
        """Wait until no request is under way."""
        await self._none_open.wait()


def _span(request: HttpRequest, status: int, began: int) -> trace.Span:
    method = request.method if request.method in _METHODS else "_OTHER"
    span = trace.Span(f"{method} {request.rpc}".rstrip(), trace.Kind.SERVER, request.traceparent, "", began)
    span.failed = status >= _SERVER_ERRORS
    span.attributes = {
        "http.request.method": method,
        "http.response.status_code": str(status),
        "stateroom.request_id": request.correlation_id,
    }
    return span
