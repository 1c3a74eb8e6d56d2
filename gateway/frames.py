"""The forms in which the items of a server stream travel over HTTP, and which of them a client asked for."""

from typing import Protocol

from typing_extensions import override

from gateway.negotiation import qualities

_EVENTS, _LINES = "text/event-stream", "application/x-ndjson"


class Frames(Protocol):
    """How items, a failure and the end become bytes. `heartbeat` is empty where clients would take it for an item."""

    content_type: bytes
    heartbeat: bytes
    end: bytes

    def item(self, text: str, position: int | None) -> bytes:
        """Return one item; `position` is where the stream goes on after it, None when it cannot be resumed."""

    def failure(self, body: bytes) -> bytes:
        """Return the end of a stream that fails; `body` is `{"error": …}`."""


class NdjsonFrames(Frames):
    """Lines in the envelope of grpc-gateway: `{"result": …}`, and a last `{"error": …}` when the stream fails."""

    content_type = _LINES.encode()
    heartbeat = b""
    end = b""

    @override
    def item(self, text: str, position: int | None) -> bytes:
        return b'{"result":' + text.encode() + b"}\n"

    @override
    def failure(self, body: bytes) -> bytes:
        return body + b"\n"


class EventFrames(Frames):
    """Server-sent events: items without a name, then `error` or `end`.

    `end` tells an EventSource to close; it would take the mere end of the answer for a lost connection, and come back.
    """

    content_type = _EVENTS.encode()
    heartbeat = b":\n\n"
    end = b"event: end\ndata: {}\n\n"

    @override
    def item(self, text: str, position: int | None) -> bytes:
        name = b"" if position is None else b"id: %d\n" % position
        return name + b"data: " + text.encode() + b"\n\n"

    @override
    def failure(self, body: bytes) -> bytes:
        return b"event: error\ndata: " + body + b"\n\n"


def frames_for(accept: str) -> Frames:
    """Return events for a client that prefers them to lines by its `Accept` header, and lines for any other."""
    wishes = qualities(accept)
    return EventFrames() if wishes.get(_EVENTS, 0.0) > wishes.get(_LINES, 0.0) else NdjsonFrames()
