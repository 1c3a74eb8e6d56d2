"""Server streams of google.api.HttpBody: an answer whose body is what the items hold, one after another."""

import asyncio
import re

from chassis.beside import beside
from gateway import failures
from gateway.answers import ISOLATED, answer_headers
from gateway.backends import StreamCall, read
from gateway.calls import Calls, Match
from gateway.http import Headers, Receive, Send
from gateway.metadata import asked_seconds
from gateway.transcode.response import content_of
from gateway.watch import ClientGone, until_disconnected, until_revoked, until_stopping

_OK = 200
_FILE_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}")
"""Names that a header can carry as they are."""


async def serve_content(calls: Calls, match: Match, receive: Receive, send: Send, stopping: asyncio.Event) -> None:
    """Call the method and send the bytes that it streams; the first item says of what type they are, and may name them.

    Such a body has no place for a failure: after the first item a connection that breaks, before the end that HTTP
    gives an answer, is all that a client sees of one.

    Raises:
        DomainError, AioRpcError: before the first item.
    """
    request, method = match.request, match.method
    caller, message = await calls.begin(match, receive)
    call = calls.backends.server_stream(method, message, caller.metadata, asked_seconds(request))
    started = asyncio.Event()
    try:
        async with beside(until_disconnected(receive), until_revoked(calls, caller), until_stopping(stopping)):
            await _pump(calls, match, call, send, started)
    except ClientGone:
        return
    except Exception as exc:
        if not started.is_set():
            raise
        failures.from_exception(exc, correlation_id=request.correlation_id, called=match.called)  # logs a fault
    finally:
        call.cancel()


async def _pump(calls: Calls, match: Match, call: StreamCall, send: Send, started: asyncio.Event) -> None:
    item = await read(call)
    await send({"type": "http.response.start", "status": _OK, "headers": _headers(calls, match, item or b"")})
    started.set()
    while item is not None:
        _, data = calls.codec.decode_content(match.method.response, item)
        await send({"type": "http.response.body", "body": data, "more_body": True})
        item = await read(call)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _headers(calls: Calls, match: Match, first: bytes) -> Headers:
    response = match.method.response
    content_type = content_of(*calls.codec.decode_content(response, first)).content_type
    headers = [*answer_headers(match.request, content_type), ISOLATED, (b"x-accel-buffering", b"no")]
    name = calls.codec.decode_file_name(response, first)
    if _FILE_NAME.fullmatch(name):
        headers.append((b"content-disposition", f'attachment; filename="{name}"'.encode()))
    return headers
