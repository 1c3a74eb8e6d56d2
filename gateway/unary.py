"""One request, one answer."""

import orjson

from gateway.answers import ISOLATED, Answer, send_answer
from gateway.backends import UnaryCall, UploadCall
from gateway.calls import Calls, Match
from gateway.content_head import ETAG, OK
from gateway.http import Receive, Send
from gateway.metadata import deadline, incoming
from gateway.transcode.response import JSON, read_response


async def serve_unary(calls: Calls, match: Match, receive: Receive, send: Send) -> None:
    """Call the method and send its answer; before that, nothing is sent.

    Raises:
        DomainError: the request is refused here.
        AioRpcError: the service refused it, or does not answer.
    """
    request, method = match.request, match.method
    caller, message = await calls.begin(match, receive)
    call = calls.backends.unary(method, message, caller.metadata, deadline(request))
    await send_message(calls, match, call, send)


async def send_message(calls: Calls, match: Match, call: UnaryCall | UploadCall, send: Send) -> None:
    """Send what a call is answered with. AioRpcError."""
    request, content = match.request, read_response(calls.codec, match.route, await call)
    headers, data = incoming(await call.initial_metadata()), content.data
    if content.content_type != JSON:
        headers.append(ISOLATED)
    elif b"pretty" in request.query and wants_pretty(request.query):
        data = orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if ETAG.fullmatch(content.etag):
        headers.append((b"etag", content.etag.encode()))
    await send_answer(request, send, Answer(OK, data, headers, content.content_type))


def wants_pretty(query: bytes) -> bool:
    """Return whether the query asks for indented JSON: `pretty` or `pretty=true`."""
    return any(part in {b"pretty", b"pretty=true"} for part in query.split(b"&"))
