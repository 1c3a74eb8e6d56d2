"""Server streams of google.api.HttpBody: an answer whose body is what the items hold, one after another."""

import asyncio

from chassis.beside import beside
from gateway import failures
from gateway.answers import ISOLATED, answer_headers
from gateway.backends import StreamCall, read
from gateway.calls import Calls, Match
from gateway.content_head import OK, PARTIAL, head_of
from gateway.http import Receive, Send
from gateway.metadata import asked_seconds
from gateway.transcode.response import content_of
from gateway.watch import ClientGone, until_disconnected, until_revoked, until_stopping


async def serve_content(calls: Calls, match: Match, receive: Receive, send: Send, stopping: asyncio.Event) -> None:
    """Call the method and send the bytes that it streams; the first item says of what type they are.

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
    content_type = content_of(*calls.codec.decode_content(match.method.response, item or b"")).content_type
    info = calls.codec.content_info(match.method.response, item or b"")
    status, headers = head_of(match.request, info, ranged=match.called.ranged)
    headers += [*answer_headers(match.request, content_type), ISOLATED, (b"x-accel-buffering", b"no")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    started.set()
    while item is not None and status in {OK, PARTIAL}:
        _, data = calls.codec.decode_content(match.method.response, item)
        await send({"type": "http.response.body", "body": data, "more_body": True})
        item = await read(call)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
