"""One request, one answer."""

import re

import orjson

from gateway.answers import ISOLATED, Answer, send_answer
from gateway.calls import Calls, Match
from gateway.http import Receive, Send
from gateway.metadata import deadline, incoming
from gateway.transcode.response import JSON, read_response

_OK = 200
_ETAG = re.compile(r'"[\x21\x23-\x7e]*"')


async def serve_unary(calls: Calls, match: Match, receive: Receive, send: Send) -> None:
    """Call the method and send its answer; before that, nothing is sent.

    Raises:
        DomainError: the request is refused here.
        AioRpcError: the service refused it, or does not answer.
    """
    request, method = match.request, match.method
    caller, message = await calls.begin(match, receive)
    call = calls.backends.unary(method, message, caller.metadata, deadline(request))
    answer = await call
    content = read_response(calls.codec, match.route, answer)
    headers, data = incoming(await call.initial_metadata()), content.data
    if content.content_type != JSON:
        headers.append(ISOLATED)
    elif b"pretty" in request.query and wants_pretty(request.query):
        data = orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if _ETAG.fullmatch(content.etag):
        headers.append((b"etag", content.etag.encode()))
    await send_answer(request, send, Answer(_OK, data, headers, content.content_type))


def wants_pretty(query: bytes) -> bool:
    """Return whether the query asks for indented JSON: `pretty` or `pretty=true`."""
    return any(part in {b"pretty", b"pretty=true"} for part in query.split(b"&"))
