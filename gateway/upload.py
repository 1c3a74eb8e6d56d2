"""Bodies of any length: methods that take a stream whose messages hold parts of one google.api.HttpBody."""

import asyncio

from chassis.beside import beside
from gateway.backends import UploadCall, written
from gateway.calls import Calls, Match
from gateway.errors import BodyCutShort, UnsupportedMediaType
from gateway.http import Receive, Send
from gateway.metadata import asked_seconds
from gateway.transcode.codec import BytesField
from gateway.unary import send_message
from gateway.watch import until_revoked, until_stopping

_PATIENCE = 8 << 20
"""Bytes that are still read after a refusal: a client that is sending would see a broken connection instead of it."""


async def serve_upload(calls: Calls, match: Match, receive: Receive, send: Send, stopping: asyncio.Event) -> None:
    """Call the method with the body as it comes, and send its answer. The first message holds all but the body.

    Raises:
        DomainError: the request is refused here, or its body breaks off.
        AioRpcError: the service refused it, or does not answer.
    """
    request, method = match.request, match.method
    caller = await calls.identify(match)
    if (encoding := request.headers.get("content-encoding", "identity")) != "identity":
        raise UnsupportedMediaType(encoding)
    first = calls.binder.bind(match.route, match.parts())
    call = calls.backends.upload(method, caller.metadata, asked_seconds(request))
    try:
        async with beside(until_revoked(calls, caller), until_stopping(stopping)):
            await _pump(match, receive, call, first)
            await send_message(calls, match, call, send)
    finally:
        call.cancel()


async def _pump(match: Match, receive: Receive, call: UploadCall, first: bytes) -> None:
    """Send the body to the service, or to nobody once that has answered."""
    data_field = BytesField(match.method.request, f"{match.route.binding.body}.data")
    left = _PATIENCE
    taken = await written(call, first)
    more = match.request.may_have_body
    while more and left > 0:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise BodyCutShort
        data, more = event.get("body", b""), event.get("more_body", False)
        if taken and data:
            taken = await written(call, first + data_field.pack(data))  # fields that come twice are merged
        if not taken:
            left -= len(data)
    if taken:
        await call.done_writing()
