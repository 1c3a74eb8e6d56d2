"""Server streams over HTTP: an answer whose body grows by one frame an item."""

import asyncio

from chassis.beside import beside
from gateway import failures
from gateway.answers import answer_headers
from gateway.backends import read
from gateway.calls import Caller, Calls, Match
from gateway.frames import Frames, frames_for
from gateway.http import HttpRequest, Receive, Send
from gateway.metadata import asked_seconds
from gateway.watch import ClientGone, until_disconnected, until_revoked, until_stopping

_OK = 200
_HEAD_SECONDS = 1.0
"""A stream that is silent this long is answered with its head, so that clients know that it is open."""


class StreamAnswer:
    """The answer to one request, whose head is sent at most once and only when it is known to be 200."""

    def __init__(self, request: HttpRequest, send: Send, frames: Frames) -> None:
        self._request = request
        self._send = send
        self._frames = frames
        self._starting = asyncio.Lock()
        self._ended = False
        self.started = False

    async def start(self) -> None:
        """Send the head, unless it is sent already."""
        async with self._starting:
            if not self.started:
                headers = answer_headers(self._request, self._frames.content_type)
                headers.append((b"x-accel-buffering", b"no"))  # nginx would hold items back
                await self._send({"type": "http.response.start", "status": _OK, "headers": headers})
                await self._body(b"", more=True)  # granian holds the head back until there is a body
                self.started = True

    async def item(self, text: str, position: int | None) -> None:
        """Send one item, with the position at which the stream goes on after it."""
        await self.start()
        await self._body(self._frames.item(text, position), more=True)

    async def heartbeat(self) -> None:
        """Send a sign of life, where the frames have one; nothing after the end."""
        await self.start()
        if self._frames.heartbeat and not self._ended:
            await self._body(self._frames.heartbeat, more=True)

    async def end(self, failure: bytes = b"") -> None:
        """Send the end, after the failure if there is one."""
        await self.start()
        self._ended = True
        await self._body(self._frames.failure(failure) if failure else self._frames.end, more=False)

    async def _body(self, data: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})


async def serve_stream(calls: Calls, match: Match, receive: Receive, send: Send, stopping: asyncio.Event) -> None:
    """Call the method and send what it streams until it ends or the client leaves; leaving cancels the call.

    Raises:
        DomainError, AioRpcError: before the first item; later failures are the last frame of the answer.
    """
    request = match.request
    caller, message = await calls.begin(match, receive)
    answer = StreamAnswer(request, send, frames_for(request.headers.get("accept", "")))
    try:
        async with beside(
            _show_life(answer, calls.heartbeat),
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
        failure = failures.from_exception(exc, correlation_id=request.correlation_id, called=match.called)
        await answer.end(failure.body)


async def _pump(calls: Calls, match: Match, caller: Caller, message: bytes, answer: StreamAnswer) -> None:
    method = match.method
    call = calls.backends.server_stream(method, message, caller.metadata, asked_seconds(match.request))
    try:
        while (item := await read(call)) is not None:
            if method.resume is None:
                await answer.item(calls.codec.decode(method.response, item), None)
            else:
                await answer.item(*calls.codec.decode_positioned(method.response, item, method.resume))
        await answer.end()
    finally:
        call.cancel()


async def _show_life(answer: StreamAnswer, heartbeat: float) -> None:
    await asyncio.sleep(_HEAD_SECONDS)
    await answer.start()
    while True:
        await asyncio.sleep(heartbeat)
        await answer.heartbeat()
