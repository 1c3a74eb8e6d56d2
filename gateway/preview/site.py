"""Requests at the origins of previews: who asks is admitted, and what they ask goes to the server in the workspace."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from chassis.beside import beside
from chassis.errors import DomainError
from gateway import failures
from gateway.credentials import SUBPROTOCOL_PREFIX, shows_credential
from gateway.errors import MethodNotAllowed
from gateway.http import Headers, HttpRequest, Receive, Scope, Send
from gateway.preview.admission import TICKET, Admission
from gateway.preview.exchange import Exchange
from gateway.preview.headers import for_server
from gateway.preview.host import PreviewHosts
from gateway.preview.page import failure_answer
from gateway.preview.socket import HandshakeRefused, ServerSocket, bridge
from gateway.watch import ClientGone, until_stopping

RPC = "stateroom.session.v1.PreviewService/ConnectPreview"
"""What metrics and the access log call all of them."""
_STATUS = {"PORT_NOT_OPEN": HTTPStatus.BAD_GATEWAY, "PREVIEW_STOPPED": HTTPStatus.SERVICE_UNAVAILABLE}
"""Refusals that are the workspace's and not the client's."""
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_REFUSED_METHODS = {"CONNECT", "TRACE"}


@dataclass(frozen=True, slots=True)
class PreviewSite:
    """Serves all origins of previews."""

    hosts: PreviewHosts
    admission: Admission

    def serves(self, request: HttpRequest) -> bool:
        """Whether a request is for the origin of a preview, and so never for the API."""
        return self.hosts.is_preview(request.headers.get("host", ""))

    async def http(
        self, request: HttpRequest, scope: Scope, receive: Receive, send: Send, stopping: asyncio.Event
    ) -> None:
        """Answer a request."""
        request.rpc = RPC
        exchange: Exchange | None = None
        try:
            _check(request)
            if request.method == "GET" and (ticket := _ticket(request)):
                await _answer(send, HTTPStatus.SEE_OTHER, await self.admission.redeem(request, ticket), b"")
                return
            headers: Headers = list(scope["headers"])
            async with (
                beside(until_stopping(stopping)),
                self.admission.opened(request, headers, [], upgrade=False) as tunnel,
            ):
                exchange = Exchange(tunnel, send, self.admission.cookie_name)
                await exchange.run(request.method, _target(request), self._passed(request, headers), receive)
        except ClientGone:
            return
        except Exception as exc:  # noqa: BLE001  # the end of the request: whatever it is becomes an answer
            failure = _failure(exc, request)
            if exchange is None or not exchange.answered:  # else the answer ends where it is, which shows
                answered = failure_answer(request, failure)
                await _answer(send, failure.http_status, *answered, head_only=request.method == "HEAD")

    async def websocket(
        self, request: HttpRequest, scope: Scope, receive: Receive, send: Send, stopping: asyncio.Event
    ) -> None:
        """Serve a WebSocket."""
        request.rpc = RPC
        offered: list[str] = list(scope.get("subprotocols") or ())
        subprotocols = [each for each in offered if not each.startswith(SUBPROTOCOL_PREFIX)]
        headers: Headers = list(scope["headers"])
        accepted = False
        await receive()
        try:
            request.check_limits()
            async with (
                beside(until_stopping(stopping)),
                self.admission.opened(request, headers, offered, upgrade=True) as tunnel,
            ):
                server = ServerSocket(tunnel, subprotocols)
                await server.shake_hands(_target(request).decode("latin-1"), self._passed(request, headers))
                await send({"type": "websocket.accept", "subprotocol": server.subprotocol})
                accepted = True
                await bridge(server, receive, send)
        except ClientGone:
            return
        except HandshakeRefused as refused:
            await _refuse(send, refused.status, [], b"")
        except Exception as exc:  # noqa: BLE001  # as above
            failure = _failure(exc, request)
            if accepted:
                await send({"type": "websocket.close", "code": failure.close_code})
            else:
                await _refuse(send, failure.http_status, *failure_answer(request, failure))

    def _passed(self, request: HttpRequest, headers: Headers) -> Headers:
        host = request.headers["host"].encode("latin-1")
        drops = shows_credential(request)
        return [
            (b"host", host),
            *for_server(headers, self.admission.cookie_name, drop_authorization=drops),
            (b"x-forwarded-for", request.client_address.encode()),
            (b"x-forwarded-host", host),
            (b"x-forwarded-proto", self.hosts.scheme.encode()),
        ]


def _check(request: HttpRequest) -> None:
    request.check_limits()
    if request.method in _REFUSED_METHODS:
        raise MethodNotAllowed(request.method, _METHODS)


def _ticket(request: HttpRequest) -> str:
    parts = (part.removeprefix(TICKET) for part in request.query.split(b"&") if part.startswith(TICKET))
    return next(parts, b"").decode("latin-1")


def _target(request: HttpRequest) -> bytes:
    path = request.path.encode("latin-1")
    return path + b"?" + request.query if request.query else path


def _failure(exc: Exception, request: HttpRequest) -> failures.Failure:
    status = _STATUS.get(exc.reason, 0) if isinstance(exc, DomainError) else 0
    return failures.from_exception(exc, correlation_id=request.correlation_id, http_status=int(status))


async def _answer(send: Send, status: int, headers: Headers, body: bytes, *, head_only: bool = False) -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head_only else body})


async def _refuse(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
