"""Server streams over HTTP: one JSON line an item."""

import asyncio

from chassis.beside import beside
from gateway import failures
from gateway.backends import read
from gateway.calls import Caller, Calls, Match
from gateway.http import HttpRequest, Receive, Send, answer_headers, read_body
from gateway.watch import ClientGone, until_disconnected, until_revoked, until_stopping

_OK = 200
_HEAD_SECONDS = 1.0
"""A stream that is silent this long is answered with its head, so that clients know that it is open."""


class NdjsonFrames:
    """Lines in the envelope of grpc-gateway: `{"result": …}`, and a last `{"error": …}` when the stream fails."""

    content_type = b"application/x-ndjson"

    def item(self, text: str) -> bytes:
        """Return one item of the stream."""
        return b'{"result":' + text.encode() + b"}\n"

    def failure(self, body: bytes) -> bytes:
        """Return the end of a stream that fails; `body` is `{"error": …}`."""
        return body + b"\n"


class StreamAnswer:
    """The answer to one request, whose head is sent at most once and only when it is known to be 200."""

    def __init__(self, request: HttpRequest, send: Send, frames: NdjsonFrames) -> None:
        self._request = request
        self._send = send
        self._frames = frames
        self._starting = asyncio.Lock()
        self.started = False

    async def start(self) -> None:
        """Send the head, unless it is sent already."""
        async with self._starting:
            if not self.started:
                headers = answer_headers(self._request, self._frames.content_type)
                await self._send({"type": "http.response.start", "status": _OK, "headers": headers})
                await self._body(b"", more=True)  # granian holds the head back until there is a body
                self.started = True

    async def item(self, text: str) -> None:
        """Send one item."""
        await self.start()
        await self._body(self._frames.item(text), more=True)

    async def end(self, failure: bytes = b"") -> None:
        """Send the end, after the failure if there is one."""
        await self.start()
        await self._body(self._frames.failure(failure) if failure else b"", more=False)

    async def _body(self, data: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})


async def serve_stream(calls: Calls, match: Match, receive: Receive, send: Send, stopping: asyncio.Event) -> None:
    """Call the method and send what it streams until it ends or the client leaves; leaving cancels the call.

    Raises:
        DomainError, AioRpcError: before the first item; later failures are the last line of the answer.
    """
    request, method = match.request, match.method
    caller = await calls.identify(match)
    body = await read_body(request, receive, calls.body_limit)
    message = calls.binder.bind(match.route, match.parts(body))
    answer = StreamAnswer(request, send, NdjsonFrames())
    try:
        async with beside(
            _start_when_silent(answer),
            until_disconnected(receive),
            until_revoked(calls, caller),
            until_stopping(stopping),
        ):
            await _pump(calls, match, caller, message, answer)
    except ClientGone:
        return
    except Exception as exc:
        if not answer.started:
            raise
        failure = failures.from_exception(exc, correlation_id=request.correlation_id, service=method.backend)
        await answer.end(failure.body)


async def _pump(calls: Calls, match: Match, caller: Caller, message: bytes, answer: StreamAnswer) -> None:
    method = match.method
    call = calls.backends.server_stream(method, message, caller.metadata)
    try:
        while (item := await read(call)) is not None:
            await answer.item(calls.codec.decode(method.response, item))
        await answer.end()
    finally:
        call.cancel()


async def _start_when_silent(answer: StreamAnswer) -> None:
    await asyncio.sleep(_HEAD_SECONDS)
    await answer.start()
