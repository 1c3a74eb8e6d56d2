"""What a caller learns from a call that was refused."""

from collections.abc import AsyncIterable, Awaitable
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from chassis.rpc.status import DETAILS_KEY


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal: everything in it but the id of the request."""

    code: grpc.StatusCode
    reason: str
    values: dict[str, str]
    fields: tuple[str, ...]
    message: str


async def refused(call: "Awaitable[object] | AsyncIterable[object]") -> Refusal:
    """Make a call that must fail and return how it did; a stream is read to its end."""
    try:
        if isinstance(call, Awaitable):
            answer: object = await call
        else:
            answer = [message async for message in call]
    except grpc.aio.AioRpcError as exc:
        return _refusal(exc)
    msg = f"the call was answered: {answer}"
    raise AssertionError(msg)


def _refusal(exc: grpc.aio.AioRpcError) -> Refusal:
    trailing: dict[str, Any] = dict(exc.trailing_metadata() or ())  # type: ignore[arg-type]  # pairs; the stub has no iterator
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status_pb2.Status.FromString(trailing.get(DETAILS_KEY, b"")).details:
        detail.Unpack(info)
        detail.Unpack(request)
    fields = tuple(violation.field for violation in request.field_violations)
    return Refusal(exc.code(), info.reason, dict(info.metadata), fields, exc.details() or "")
