"""Failures as clients of REST see them: status, AIP-193 body, headers, and the close code of a WebSocket."""

from dataclasses import dataclass, field
from typing import Any

import grpc
import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from chassis import ids, logs
from chassis.errors import CredentialMissing, DomainError, EtagMismatch, InternalError, ServiceUnavailable
from chassis.rpc import status as grpc_status
from gateway.http import Headers
from gateway.violations import NameForCaller, rename_fields

Code = grpc.StatusCode

HTTP_STATUS: dict[grpc.StatusCode, int] = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}
"""google.rpc.Code → HTTP status, as in google/rpc/code.proto."""

PRECONDITION_FAILED = 412
"""For an etag that came by `If-Match` and is not the resource's any more."""
RANGE_NOT_SATISFIABLE = 416
_SERVER_ERRORS = 500
_GOING_AWAY = 1012
"""Close code "service restart": clients connect again."""
_INTERNAL_CLOSE = 1011
_TYPES: tuple[type[Message], ...] = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.RetryInfo,
    error_details_pb2.RequestInfo,
    error_details_pb2.QuotaFailure,
    error_details_pb2.PreconditionFailure,
    error_details_pb2.ResourceInfo,
    error_details_pb2.Help,
    error_details_pb2.LocalizedMessage,
)
_BY_NAME = {kind.DESCRIPTOR.full_name: kind for kind in _TYPES}
_BY_NUMBER = {code.value[0]: code for code in Code}
_CHALLENGES = {CredentialMissing.reason: b"Bearer"}
_INVALID_CREDENTIAL = b'Bearer error="invalid_token"'
"""What a client that showed a credential is told by the scheme it used (RFC 6750)."""
_TRANSPORT = frozenset({Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.CANCELLED})
_BROKEN_CALL = "Internal error from Core"
"""What grpc.aio says, as INTERNAL, of a call whose connection broke at an unlucky moment."""

_log = logs.get("gateway")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure ready to be sent. `body` is the JSON `{"error": …}`."""

    http_status: int
    body: bytes
    close_code: int
    headers: Headers = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Called:
    """What was called when a request failed.

    Attributes:
        service: the service; empty before any was called.
        conditional: the caller's etag came by `If-Match`, so a mismatch is 412.
        ranged: the position came by `Range`, so one beyond the end is 416.
        name_for_caller: what the caller calls a field of the request message.
    """

    service: str = ""
    conditional: bool = False
    ranged: bool = False
    name_for_caller: NameForCaller = str


NOTHING = Called()


def from_exception(exc: Exception, *, correlation_id: str, called: Called = NOTHING) -> Failure:
    """Return the failure that an exception of a request means; logs what nobody foresaw.

    Args:
        exc: an error of ours, of gRPC, or a fault.
        correlation_id: names the request in the answer.
        called: what was called.
    """
    if isinstance(exc, grpc.aio.AioRpcError):
        return _from_rpc(exc, correlation_id, called)
    if not isinstance(exc, DomainError):
        error_id = str(ids.new())
        _log.error("request failed", error_id=error_id, correlation_id=correlation_id, exc_info=exc)
        exc = InternalError(error_id)
    http_status = getattr(exc, "http_status", 0)
    headers = list(getattr(exc, "headers", ()))
    return _from_status(status_pb2.Status.FromString(grpc_status.details_of(exc, correlation_id)), http_status, headers)


def _from_rpc(exc: grpc.aio.AioRpcError, correlation_id: str, called: Called) -> Failure:
    status = _sent_status(exc)
    if status is None:
        status = _own_status(exc, correlation_id, called.service)
    rename_fields(status, called.name_for_caller)
    http_status = 0
    if called.conditional and _reason(status) == EtagMismatch.reason:
        http_status = PRECONDITION_FAILED
    if called.ranged and status.code == Code.OUT_OF_RANGE.value[0]:
        http_status = RANGE_NOT_SATISFIABLE
    return _from_status(status, http_status, [])


def _sent_status(exc: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    """Return the status that the service itself sent, None when gRPC made up the error."""
    metadata: Any = exc.trailing_metadata() or ()
    sent = dict(metadata).get(grpc_status.DETAILS_KEY)
    if not isinstance(sent, bytes):
        return None
    try:
        status = status_pb2.Status.FromString(sent)
    except DecodeError:
        return None
    return status if _reason(status) else None


def _own_status(exc: grpc.aio.AioRpcError, correlation_id: str, service: str) -> status_pb2.Status:
    broken = exc.details() == _BROKEN_CALL
    if broken or exc.code() in _TRANSPORT:
        error: DomainError = ServiceUnavailable(service)
        _log.warning("service does not answer", service=service, code=exc.code().name, detail=exc.details())
    else:
        error = InternalError(str(ids.new()))
        _log.error("service failed", error_id=error.values["errorId"], code=exc.code().name, detail=exc.details())
    status = status_pb2.Status.FromString(grpc_status.details_of(error, correlation_id))
    if exc.code() is not Code.CANCELLED and not broken:
        status.code = exc.code().value[0]  # CANCELLED is a service on its way out: who leaves gets no answer at all
    return status


def _reason(status: status_pb2.Status) -> str:
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Unpack(info):
            return str(info.reason)
    return ""


def _from_status(status: status_pb2.Status, http_status: int, headers: Headers) -> Failure:
    code = _BY_NUMBER.get(status.code, Code.UNKNOWN)
    http_status = http_status or HTTP_STATUS[code]
    if http_status == HTTP_STATUS[Code.UNAUTHENTICATED]:
        headers.append((b"www-authenticate", _CHALLENGES.get(_reason(status), _INVALID_CREDENTIAL)))
    details = []
    for packed in status.details:
        kind = _BY_NAME.get(packed.TypeName())
        if kind is not None:
            detail = kind.FromString(packed.value)
            if isinstance(detail, error_details_pb2.RetryInfo):
                seconds = detail.retry_delay.seconds + (detail.retry_delay.nanos > 0)
                headers.append((b"retry-after", str(max(seconds, 0)).encode()))
            details.append({"@type": packed.type_url, **json_format.MessageToDict(detail)})
    error = {"code": http_status, "status": code.name, "message": status.message, "details": details}
    return Failure(http_status, orjson.dumps({"error": error}), _close_code(code, http_status), headers)


def _close_code(code: grpc.StatusCode, http_status: int) -> int:
    if code is Code.UNAVAILABLE:
        return _GOING_AWAY
    return _INTERNAL_CLOSE if http_status >= _SERVER_ERRORS else 4000 + http_status
