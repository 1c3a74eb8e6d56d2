"""A WebSocket to a preview's server: messages and close codes go both ways, pings stay where they are."""

from collections.abc import AsyncIterator

from websockets.client import ClientProtocol
from websockets.datastructures import Headers as HandshakeHeaders
from websockets.exceptions import InvalidState, WebSocketException
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from chassis.beside import beside
from gateway.errors import PreviewAnswerInvalid
from gateway.http import Headers, Receive, Send
from gateway.preview.tunnel import Tunnel
from gateway.watch import ClientGone

_MESSAGE_BYTES = 16 << 20
"""As much as our own server takes from clients."""
_DATA = {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}
_SWITCHING_PROTOCOLS = 101


class HandshakeRefused(Exception):  # not an error: the answer is passed on
    """The server answers the handshake with another status."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(status)


class ServerSocket:
    """The side of a WebSocket that faces the server."""

    def __init__(self, tunnel: Tunnel, subprotocols: list[str]) -> None:
        self._tunnel = tunnel
        offered = [Subprotocol(each) for each in subprotocols] or None
        self._early: list[Frame] = []
        self._protocol = ClientProtocol(parse_uri("ws://preview"), subprotocols=offered, max_size=_MESSAGE_BYTES)

    @property
    def subprotocol(self) -> str | None:
        """What both sides agreed on."""
        return self._protocol.subprotocol

    @property
    def closed(self) -> Close | None:
        """How the server closed the socket; None when it did not, or not properly."""
        return self._protocol.close_rcvd

    async def shake_hands(self, target: str, headers: Headers) -> None:
        """Open the socket.

        Raises:
            HandshakeRefused: the server says something else.
            PreviewAnswerInvalid: what it says makes no sense.
        """
        ours = self._protocol.connect()
        ours.headers.pop("Host")
        passed = HandshakeHeaders((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
        passed.update(ours.headers)
        self._protocol.send_request(Request(target, passed))
        await self._flush()
        while not (events := self._protocol.events_received()) and self._protocol.handshake_exc is None:
            await self._receive()
        answer = events[0] if events else None
        if isinstance(answer, Response) and answer.status_code != _SWITCHING_PROTOCOLS:
            raise HandshakeRefused(answer.status_code)
        if self._protocol.handshake_exc is not None:
            raise PreviewAnswerInvalid(str(self._protocol.handshake_exc)) from self._protocol.handshake_exc
        self._early = [event for event in events[1:] if isinstance(event, Frame)]

    async def messages(self) -> AsyncIterator[bytes | str]:
        """Yield what the server says until it closes the socket."""
        parts: list[bytes] = []
        is_text = False
        async for frame in self._frames():
            if frame.opcode not in _DATA:
                continue
            if frame.opcode is not Opcode.CONT:
                is_text = frame.opcode is Opcode.TEXT
            parts.append(bytes(frame.data))
            if frame.fin:
                whole = b"".join(parts)
                parts.clear()
                yield _text(whole) if is_text else whole

    async def say(self, message: bytes | str) -> None:
        """Send a message; one that comes after the end is lost."""
        try:
            if isinstance(message, str):
                self._protocol.send_text(message.encode())
            else:
                self._protocol.send_binary(message)
        except InvalidState:
            return
        await self._flush()

    async def close(self, code: int) -> None:
        """Tell the server how the client closed the socket."""
        try:
            if code == CloseCode.NO_STATUS_RCVD:
                self._protocol.send_close()
            else:
                self._protocol.send_close(code)
        except WebSocketException:  # closed already, or no code that can be said
            return
        await self._flush()

    async def _frames(self) -> AsyncIterator[Frame]:
        for frame in self._early:
            yield frame
        while self._protocol.close_rcvd is None and self._protocol.parser_exc is None:
            if not await self._receive():
                return
            for event in self._protocol.events_received():
                if isinstance(event, Frame):
                    yield event

    async def _receive(self) -> bool:
        """Take what comes next, and answer what has to be answered; False at the end."""
        data = await self._tunnel.read()
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        await self._flush()
        return bool(data)

    async def _flush(self) -> None:
        await self._tunnel.write(b"".join(self._protocol.data_to_send()))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        cause = "text that is not UTF-8"
        raise PreviewAnswerInvalid(cause) from exc


async def bridge(server: ServerSocket, receive: Receive, send: Send) -> None:
    """Carry messages between an accepted WebSocket and a server's until a side closes it. ClientGone if theirs did."""
    async with beside(_to_server(server, receive)):
        async for message in server.messages():
            part = "text" if isinstance(message, str) else "bytes"
            await send({"type": "websocket.send", part: message})
    closed = server.closed
    if closed is None:
        await send({"type": "websocket.close", "code": CloseCode.INTERNAL_ERROR, "reason": "the server is gone"})
    elif closed.code == CloseCode.NO_STATUS_RCVD:
        await send({"type": "websocket.close"})
    else:
        await send({"type": "websocket.close", "code": closed.code, "reason": closed.reason})


async def _to_server(server: ServerSocket, receive: Receive) -> None:
    while True:
        event = await receive()
        if event["type"] != "websocket.receive":
            await server.close(int(event.get("code") or CloseCode.NO_STATUS_RCVD))
            raise ClientGone
        data = event.get("bytes")
        await server.say(bytes(data) if data is not None else str(event["text"]))
