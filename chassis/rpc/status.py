"""The one place where errors become gRPC statuses, and statuses of other services become errors again (AIP-193)."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from chassis import errors
from chassis.errors import DomainError

if TYPE_CHECKING:
    from google.protobuf.message import Message

DOMAIN = "stateroom.dev"
DETAILS_KEY = "grpc-status-details-bin"

KINDS: dict[type[DomainError], grpc.StatusCode] = {
    errors.InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.WrongState: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Conflict: grpc.StatusCode.ABORTED,
    errors.LimitExceeded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.OutOfRange: grpc.StatusCode.OUT_OF_RANGE,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.InternalError: grpc.StatusCode.INTERNAL,
}
_BY_CODE = {code: kind for kind, code in KINDS.items()}


def code_of(error: DomainError) -> grpc.StatusCode:
    """Return the status code of an error's kind."""
    return next(KINDS[kind] for kind in type(error).__mro__ if kind in KINDS)


def details_of(error: DomainError, correlation_id: str) -> bytes:
    """Return the serialized google.rpc.Status that travels in the trailing metadata."""
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.values)]
    if error.violations:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in error.violations
        ]
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    if error.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromTimedelta(error.retry_after)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    details.append(error_details_pb2.RequestInfo(request_id=correlation_id))
    status = status_pb2.Status(code=code_of(error).value[0], message=error.message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    serialized: bytes = status.SerializeToString()
    return serialized


class _Relayed(DomainError):
    """An error of another service, passed on as it came."""

    def __init__(self, info: error_details_pb2.ErrorInfo, message: str, retry_after: timedelta | None) -> None:
        super().__init__(retry_after=retry_after)
        self.values = dict(info.metadata)
        self.reason = info.reason  # type: ignore[misc]  # an instance carries the neighbour's reason
        self.args = (message,)


_RELAYED = {code: type(f"Relayed{kind.__name__}", (_Relayed, kind), {}) for code, kind in _BY_CODE.items()}


def raise_relayed(exc: grpc.aio.AioRpcError, *, service: str) -> NoReturn:
    """Raise what another service answered: its own error when it sent one, else ServiceUnavailable.

    `error.reason` is the neighbour's, so a caller can tell causes apart without knowing its classes.
    """
    trailing: dict[str, Any] = dict(exc.trailing_metadata() or ())  # type: ignore[arg-type]  # pairs; the stub has no iterator
    details = trailing.get(DETAILS_KEY)
    relayed = _RELAYED.get(exc.code())
    if not isinstance(details, bytes) or relayed is None:
        raise errors.ServiceUnavailable(service) from exc
    status = status_pb2.Status.FromString(details)
    info, retry, bad = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo(), error_details_pb2.BadRequest()
    retry_after = None
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
        if detail.Unpack(retry):
            retry_after = retry.retry_delay.ToTimedelta()
    if info.reason == errors.InternalError.reason:
        raise errors.ServiceUnavailable(service) from exc
    error = relayed(info, status.message, retry_after)
    error.violations = tuple(errors.Violation(each.field, each.description) for each in bad.field_violations)
    raise error from exc
