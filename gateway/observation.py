"""What metrics and spans of a gateway process show: its requests."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chassis import trace
from gateway.http import HttpRequest, Message, Send

_SWITCHING_PROTOCOLS = 101
_SERVER_ERRORS = 500
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_STARTS = {"http.response.start", "websocket.http.response.start"}


class Requests:
    """Counts requests, if anybody wants to know. An open WebSocket is a request with status 101."""

    def __init__(self) -> None:
        self.open = 0
        self._note: Callable[[tuple[str, ...], float], None] | None = None

    def serve(self, listen: str) -> Callable[[], None]:
        """Serve the metrics at `host:port`. Returns what ends it."""
        from chassis.metrics import Metrics  # noqa: PLC0415  # 3 MB that only who asks for metrics pays

        metrics = Metrics("gateway")
        description = "Requests, when they are answered; a stream lasts while it is open."
        self._note = metrics.durations("stateroom_http_duration_seconds", description, "method", "status")
        metrics.reading("stateroom_http_open", "Requests under way, streams among them.", lambda: self.open)
        return metrics.serve(listen)

    @contextmanager
    def watch(self, request: HttpRequest, send: Send) -> Iterator[Send]:
        """Count the request that the block answers, by its RPC and the status that is sent."""
        status, began, at = 0, time.time_ns(), time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] in _STARTS:
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = _SWITCHING_PROTOCOLS
            await send(message)

        self.open += 1
        try:
            yield watched
        finally:
            self.open -= 1
            if self._note is not None:
                self._note((request.rpc, str(status)), time.perf_counter() - at)
            if trace.is_recorded():
                trace.served(_span(request, status, began), request.headers.get(trace.HEADER))


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
