"""Bidirectional methods over WebSocket: bytes in binary frames, every other message in JSON text frames."""

import asyncio
from functools import cache

from chassis.beside import beside
from gateway import failures
from gateway.backends import BidiCall, read, written
from gateway.calls import Caller, Calls, Match
from gateway.errors import BodyTooLarge
from gateway.http import Receive, Send
from gateway.transcode.codec import BytesField
from gateway.watch import ClientGone, until_revoked, until_stopping

SUBPROTOCOL = "stateroom.v1"
_NORMAL = 1000


class Socket:
    """An accepted WebSocket. A client that has left shows as ClientGone, whichever side notices first."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def read(self) -> bytes | str:
        """Return the next frame: bytes of a binary one, text of a text one. Raises ClientGone."""
        event = await self._receive()
        if event["type"] != "websocket.receive":
            raise ClientGone
        data = event.get("bytes")
        return bytes(data) if data is not None else str(event["text"])

    async def write(self, frame: bytes | str) -> None:
        """Send one frame. Raises ClientGone."""
        part = "text" if isinstance(frame, str) else "bytes"
        await self._emit({"type": "websocket.send", part: frame})

    async def close(self, code: int) -> None:
        """Close with a code. Raises ClientGone."""
        await self._emit({"type": "websocket.close", "code": code})

    async def _emit(self, event: dict[str, object]) -> None:
        try:
            await self._send(event)
        except RuntimeError as exc:  # what granian raises on a closed socket (emmett-framework/granian#922)
            raise ClientGone from exc


async def serve_websocket(
    calls: Calls, match: Match, subprotocols: list[str], socket: Socket, stopping: asyncio.Event
) -> None:
    """Run the method over an accepted socket until one side ends it.

    A failure is a last text frame `{"error": …}` and a close code: 4000 + the HTTP status for what the client did
    wrong, 1012 when it may try again at once, 1011 for a fault. 1000 means that the method ended well.
    """
    request = match.request
    try:
        try:
            caller = await calls.identify(match, subprotocols)
            async with beside(until_revoked(calls, caller), until_stopping(stopping)):
                await _run(calls, match, caller, socket)
            await socket.close(_NORMAL)
        except ClientGone:
            raise
        except Exception as exc:  # noqa: BLE001  # the end of the request: whatever it is becomes a frame
            failure = failures.from_exception(exc, correlation_id=request.correlation_id, called=match.called)
            await socket.write(failure.body.decode())
            await socket.close(failure.close_code)
    except ClientGone:
        return


async def _run(calls: Calls, match: Match, caller: Caller, socket: Socket) -> None:
    method = match.method
    first = calls.binder.bind(match.route, match.parts())
    call = calls.backends.stream(method, caller.metadata)
    try:
        async with beside(_to_service(calls, match, socket, call, first)):
            await _to_client(calls, match, socket, call)
    finally:
        call.cancel()


async def _to_client(calls: Calls, match: Match, socket: Socket, call: BidiCall) -> None:
    response = match.method.response
    field = bytes_field(response, match.method.response_bytes)
    while (message := await read(call)) is not None:
        data = field.unpack(message)
        await socket.write(calls.codec.decode(response, message) if data is None else data)


async def _to_service(calls: Calls, match: Match, socket: Socket, call: BidiCall, first: bytes) -> None:
    request = match.method.request
    field = bytes_field(request, match.method.request_bytes)
    message = first
    while await written(call, message):
        frame = await socket.read()
        if len(frame) > calls.body_limit:
            raise BodyTooLarge(calls.body_limit)
        if isinstance(frame, bytes):
            message = field.pack(frame)
        else:
            message = calls.binder.bind_frame(request, frame.encode("utf-8", "surrogatepass"))


bytes_field = cache(BytesField)


async def accept(receive: Receive, send: Send, subprotocols: list[str]) -> Socket:
    """Finish the handshake. A credential that a browser offers beside the subprotocol is never sent back."""
    await receive()
    spoken = SUBPROTOCOL if SUBPROTOCOL in subprotocols else None
    await send({"type": "websocket.accept", "subprotocol": spoken})
    return Socket(receive, send)
