"""One HTTP request to a preview's server, and its answer; both stream, and neither side runs ahead of the other.

Requests are written anew, from what our own HTTP server understood of them, over a connection that serves one request.
So nothing that a client puts between two requests can become one of its own.
"""

import asyncio
from collections.abc import AsyncIterator

import h11

from chassis.beside import beside
from chassis.errors import InvalidField, Violation
from gateway.errors import BodyCutShort, PreviewAnswerInvalid, PreviewTimedOut
from gateway.http import Headers, Message, Receive, Send
from gateway.preview.headers import for_browser
from gateway.preview.tunnel import Tunnel
from gateway.watch import until_disconnected

ANSWER_SECONDS = 120.0
"""How long a server may think about a request that it has: some build all of themselves on the first."""
_HEAD_BYTES = 64 << 10


class Exchange:
    """A request that goes to a server; `cookie_name` is that of our own cookie, which no server sets."""

    def __init__(self, tunnel: Tunnel, send: Send, cookie_name: str) -> None:
        self._tunnel = tunnel
        self._send = send
        self._cookie_name = cookie_name
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)
        self._sent = asyncio.Event()
        self.answered = False
        """Whether the head of the answer is on its way, so that no other answer can follow."""

    async def run(self, method: str, target: bytes, headers: Headers, receive: Receive) -> None:
        """Send the request and the answer to it.

        Raises:
            InvalidField: the request is none that can be written.
            PreviewAnswerInvalid: what came back is no answer, or ends in its middle.
            PreviewTimedOut: nothing came back in time.
            BodyCutShort, ClientGone: the client left, or what it sent is none.
        """
        body = _body(receive)
        first = await anext(body, b"")
        headers = [*headers, (b"connection", b"close")]
        if first and not any(name == b"content-length" for name, _ in headers):
            headers.append((b"transfer-encoding", b"chunked"))
        try:
            head = self._connection.send(h11.Request(method=method, target=target, headers=headers))
        except h11.LocalProtocolError as exc:
            raise InvalidField(Violation("request", str(exc))) from exc
        async with beside(self._send_request(head or b"", first, body, receive)):
            try:
                await self._answer()
            except h11.RemoteProtocolError as exc:
                raise PreviewAnswerInvalid(str(exc)) from exc

    async def _send_request(self, head: bytes, first: bytes, body: AsyncIterator[bytes], receive: Receive) -> None:
        await self._tunnel.write(head)
        if first:
            await self._send_part(first)
        async for part in body:
            await self._send_part(part)
        await self._tunnel.write(self._connection.send(h11.EndOfMessage()) or b"")
        self._sent.set()
        await until_disconnected(receive)

    async def _send_part(self, part: bytes) -> None:
        await self._tunnel.write(self._connection.send(h11.Data(part)) or b"")

    async def _answer(self) -> None:
        async with beside(self._until_late()):
            while isinstance(head := await self._next(), h11.InformationalResponse):
                continue
        if not isinstance(head, h11.Response):
            raise PreviewAnswerInvalid("it closed the connection")
        self.answered = True
        headers = for_browser(head.headers, self._cookie_name)
        await self._send({"type": "http.response.start", "status": head.status_code, "headers": headers})
        await self._send(_part(b"", more=True))  # granian holds the head back until there is a body
        while isinstance(event := await self._next(), h11.Data):
            await self._send(_part(bytes(event.data), more=True))
        await self._send(_part(b"", more=False))

    async def _next(self) -> object:
        while (event := self._connection.next_event()) is h11.NEED_DATA:
            self._connection.receive_data(await self._tunnel.read())
        return event

    async def _until_late(self) -> None:
        await self._sent.wait()
        await asyncio.sleep(ANSWER_SECONDS)
        raise PreviewTimedOut(ANSWER_SECONDS)


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    """Yield a request's body. BodyCutShort when it breaks off, or is not well-formed, before its end."""
    more = True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise BodyCutShort
        more = event.get("more_body", False)
        if body := event.get("body", b""):
            yield body


def _part(data: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}
