"""The ASGI application: finds what a request is for, and turns every failure into an answer."""

import asyncio

from gateway import failures
from gateway.answers import Answer, answer_headers, send_answer
from gateway.calls import Calls, Match
from gateway.content import serve_content
from gateway.credentials import SUBPROTOCOL_PREFIX, check_url
from gateway.errors import MethodNotAllowed, RouteNotFound, UpgradeRequired
from gateway.health import Pages
from gateway.http import HttpRequest, Message, Receive, Scope, Send, read_request
from gateway.observation import Requests
from gateway.origin import OriginRule
from gateway.streaming import serve_stream
from gateway.transcode.routes import Routes
from gateway.unary import serve_unary
from gateway.upload import serve_upload
from gateway.websocket import SUBPROTOCOL, accept, serve_websocket

_PAGE_METHODS = ("GET", "HEAD")


class Application:
    """Serves HTTP requests and WebSockets. Holds no state of any client."""

    def __init__(self, routes: Routes, calls: Calls, pages: Pages, origins: OriginRule, requests: Requests) -> None:
        self._routes = routes
        self._calls = calls
        self._pages = pages
        self._origins = origins
        self.requests = requests
        self._stopping = asyncio.Event()

    async def stop(self, drain: float, grace: float) -> None:
        """Be not ready, and serve on for `drain` seconds; then end what is open, and wait `grace` seconds for requests.

        Streams end with a failure that tells clients to come back.
        """
        self._pages.drain()
        await asyncio.sleep(drain)
        self._stopping.set()
        try:
            async with asyncio.timeout(grace):
                await self.requests.until_none()
        except TimeoutError:
            return

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, as ASGI calls it."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        request = read_request(scope)
        answering = self.requests.begin(request, send)
        try:
            if scope["type"] == "websocket":
                await self._websocket(request, list(scope.get("subprotocols") or ()), receive, answering)
            else:
                await self._http(request, receive, answering)
        finally:
            self.requests.end(answering)

    async def _http(self, request: HttpRequest, receive: Receive, send: Send) -> None:
        match: Match | None = None
        send = self._origins.shared(request, send)
        try:
            request.check_limits()
            check_url(request)
            if await self._page(request, send) or await self._preflight(request, send):
                return
            self._origins.check(request, upgrade=False)
            match = self._match(request)
            await self._serve(match, receive, send)
        except Exception as exc:  # noqa: BLE001  # the end of every request: whatever it is becomes an answer
            failure = _failure(exc, request, match)
            await send_answer(request, send, Answer(failure.http_status, failure.body, failure.headers))

    async def _page(self, request: HttpRequest, send: Send) -> bool:
        page = await self._pages.find(request.path)
        if page is None:
            return False
        if request.method not in _PAGE_METHODS:
            raise MethodNotAllowed(request.method, _PAGE_METHODS)
        await send_answer(request, send, page)
        return True

    async def _preflight(self, request: HttpRequest, send: Send) -> bool:
        if not self._origins.is_preflight(request):
            return False
        await send_answer(request, send, self._origins.preflight(self._routes.allowed(request.path)))
        return True

    async def _serve(self, match: Match, receive: Receive, send: Send) -> None:
        if match.method.client_streaming:
            if match.method.server_streaming or not match.route.takes_content:
                raise UpgradeRequired
            await serve_upload(self._calls, match, receive, send, self._stopping)
            return
        if not match.method.server_streaming:
            await serve_unary(self._calls, match, receive, send)
        elif match.request.method == "HEAD":
            raise MethodNotAllowed(method="HEAD", allowed=(match.route.binding.http_method,))
        elif match.method.response.is_content:
            await serve_content(self._calls, match, receive, send, self._stopping)
        else:
            await serve_stream(self._calls, match, receive, send, self._stopping)

    async def _websocket(self, request: HttpRequest, subprotocols: list[str], receive: Receive, send: Send) -> None:
        try:
            request.check_limits()
            check_url(request)
            self._origins.check(request, upgrade=True)
            match = self._match(request)
            _check_handshake(match, subprotocols)
        except Exception as exc:  # noqa: BLE001  # as above, before the handshake
            await _refuse(_failure(exc, request, None), request, receive, send)
            return
        socket = await accept(receive, send, subprotocols)
        await serve_websocket(self._calls, match, subprotocols, socket, self._stopping)

    def _match(self, request: HttpRequest) -> Match:
        match = Match(request, *self._routes.find(request.method, request.path))
        request.rpc = match.method.grpc_path.removeprefix("/")
        return match


def _failure(exc: Exception, request: HttpRequest, match: Match | None) -> failures.Failure:
    called = match.called if match else failures.NOTHING
    return failures.from_exception(exc, correlation_id=request.correlation_id, called=called)


def _check_handshake(match: Match, subprotocols: list[str]) -> None:
    if not match.method.client_streaming:
        raise RouteNotFound(match.request.path)
    offered = [item for item in subprotocols if not item.startswith(SUBPROTOCOL_PREFIX)]
    if offered and SUBPROTOCOL not in offered:
        raise UpgradeRequired


async def _refuse(failure: failures.Failure, request: HttpRequest, receive: Receive, send: Send) -> None:
    """Answer a handshake with a failure instead of an upgrade."""
    await receive()
    headers = answer_headers(request, b"application/json") + failure.headers
    start: Message = {"type": "websocket.http.response.start", "status": failure.http_status, "headers": headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": failure.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return
