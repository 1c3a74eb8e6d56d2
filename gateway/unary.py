"""One request, one answer."""

import re

import orjson

from gateway.answers import Answer, send_answer
from gateway.calls import Calls, Match
from gateway.http import Receive, Send, read_body
from gateway.metadata import deadline, incoming

_OK = 200
_ETAG = re.compile(r'"[\x21\x23-\x7e]*"')


async def serve_unary(calls: Calls, match: Match, receive: Receive, send: Send) -> None:
    """Call the method and send its answer; before that, nothing is sent.

    Raises:
        DomainError: the request is refused here.
        AioRpcError: the service refused it, or does not answer.
    """
    request, method = match.request, match.method
    caller = await calls.identify(match)
    body = await read_body(request, receive, calls.body_limit)
    message = calls.binder.bind(match.route, match.parts(body))
    call = calls.backends.unary(method, message, caller.metadata, deadline(request))
    answer = await call
    text, etag = calls.codec.decode_resource(method.response, answer)
    headers = incoming(await call.initial_metadata())
    if _ETAG.fullmatch(etag):
        headers.append((b"etag", etag.encode()))
    data = text.encode()
    if b"pretty" in request.query and wants_pretty(request.query):
        data = orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    await send_answer(request, send, Answer(_OK, data, headers))


def wants_pretty(query: bytes) -> bool:
    """Return whether the query asks for indented JSON: `pretty` or `pretty=true`."""
    return any(part in {b"pretty", b"pretty=true"} for part in query.split(b"&"))
