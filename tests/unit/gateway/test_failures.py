"""Failures: the table of HTTP statuses, and bodies that always name a reason."""

import grpc
import orjson
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from chassis.errors import CredentialInvalid, CredentialMissing
from gateway import failures
from gateway.errors import MethodNotAllowed, UnknownField

CODES = [
    ("CANCELLED", 499, 4499),
    ("UNKNOWN", 500, 1011),
    ("INVALID_ARGUMENT", 400, 4400),
    ("DEADLINE_EXCEEDED", 504, 1011),
    ("NOT_FOUND", 404, 4404),
    ("ALREADY_EXISTS", 409, 4409),
    ("PERMISSION_DENIED", 403, 4403),
    ("RESOURCE_EXHAUSTED", 429, 4429),
    ("FAILED_PRECONDITION", 400, 4400),
    ("ABORTED", 409, 4409),
    ("OUT_OF_RANGE", 400, 4400),
    ("UNIMPLEMENTED", 501, 1011),
    ("INTERNAL", 500, 1011),
    ("UNAVAILABLE", 503, 1012),
    ("DATA_LOSS", 500, 1011),
    ("UNAUTHENTICATED", 401, 4401),
]


def _rpc_error(code: grpc.StatusCode, *details: Message) -> grpc.aio.AioRpcError:
    status = status_pb2.Status(code=code.value[0], message="told")
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    sent = [("grpc-status-details-bin", status.SerializeToString())] if details else []
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*sent), "secret cause", None)


def _info(reason: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain="stateroom.dev", metadata={"a": "b"})


@pytest.mark.parametrize(("name", "http_status", "close_code"), CODES)
def test_from_exception_code_has_http_status(name: str, http_status: int, close_code: int) -> None:
    """All 16 failure codes map as google/rpc/code.proto says."""
    failure = failures.from_exception(_rpc_error(grpc.StatusCode[name], _info("X")), correlation_id="r")
    error = orjson.loads(failure.body)["error"]
    assert (failure.http_status, failure.close_code) == (http_status, close_code)
    assert (error["code"], error["status"], error["message"]) == (http_status, name, "told")
    assert error["details"][0]["reason"] == "X"


def test_table_covers_every_code() -> None:
    """No code of gRPC is without a status."""
    assert set(failures.HTTP_STATUS) == set(grpc.StatusCode)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "SERVICE_UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "SERVICE_UNAVAILABLE"),
        (grpc.StatusCode.UNKNOWN, "INTERNAL_ERROR"),
        (grpc.StatusCode.UNIMPLEMENTED, "INTERNAL_ERROR"),
    ],
)
def test_from_exception_without_details_has_reason_and_no_cause(code: grpc.StatusCode, reason: str) -> None:
    """What gRPC made up itself gets a reason of ours, and its text stays in the log."""
    failure = failures.from_exception(_rpc_error(code), correlation_id="r", called=failures.Called("session"))
    error = orjson.loads(failure.body)["error"]
    assert error["details"][0]["reason"] == reason
    assert b"secret" not in failure.body


def test_from_exception_call_cancelled_by_a_dying_service_is_unavailable() -> None:
    """The caller has cancelled nothing and may try again."""
    cancelled = _rpc_error(grpc.StatusCode.CANCELLED)
    failure = failures.from_exception(cancelled, correlation_id="r", called=failures.Called("session"))
    assert (failure.http_status, orjson.loads(failure.body)["error"]["status"]) == (503, "UNAVAILABLE")


def test_from_exception_call_that_broke_with_its_connection_is_unavailable() -> None:
    """grpc.aio calls it INTERNAL; no fault of the service was seen."""
    nothing = grpc.aio.Metadata()
    broken = grpc.aio.AioRpcError(grpc.StatusCode.INTERNAL, nothing, nothing, "Internal error from Core", None)
    failure = failures.from_exception(broken, correlation_id="r", called=failures.Called("session"))
    assert (failure.http_status, orjson.loads(failure.body)["error"]["status"]) == (503, "UNAVAILABLE")


def test_from_exception_retry_info_becomes_retry_after() -> None:
    """RetryInfo is rounded up to whole seconds."""
    delay = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=1, nanos=1))
    failure = failures.from_exception(
        _rpc_error(grpc.StatusCode.RESOURCE_EXHAUSTED, _info("X"), delay), correlation_id="r"
    )
    assert (b"retry-after", b"2") in failure.headers


@pytest.mark.parametrize(("conditional", "http_status"), [(True, 412), (False, 409)])
def test_from_exception_etag_mismatch_is_412_only_for_if_match(*, conditional: bool, http_status: int) -> None:
    """An etag in the body is a conflict, one in If-Match a failed precondition."""
    exc = _rpc_error(grpc.StatusCode.ABORTED, _info("ETAG_MISMATCH"))
    assert (
        failures.from_exception(exc, correlation_id="r", called=failures.Called(conditional=conditional)).http_status
        == http_status
    )


def test_from_exception_own_error_names_field_and_request() -> None:
    """The gateway's own refusals have the same shape as a service's."""
    failure = failures.from_exception(UnknownField("x" * 100), correlation_id="r")
    details = orjson.loads(failure.body)["error"]["details"]
    assert details[0]["metadata"] == {"field": "x" * 64}
    assert details[1]["fieldViolations"][0]["field"] == "x" * 64
    assert details[2]["requestId"] == "r"


def test_from_exception_fault_shows_only_an_id() -> None:
    """An unforeseen exception tells the client nothing."""
    failure = failures.from_exception(ValueError("secret"), correlation_id="r")
    assert failure.http_status == 500
    assert b"secret" not in failure.body


def test_from_exception_http_layer_keeps_its_headers() -> None:
    """Allow travels with its failure."""
    allowed = failures.from_exception(MethodNotAllowed("PUT", ("GET",)), correlation_id="r")
    assert (allowed.http_status, allowed.headers) == (405, [(b"allow", b"GET")])


def test_from_exception_401_names_the_scheme() -> None:
    """Every 401 says how to sign in, and whether the credential that was shown is the problem."""
    missing = failures.from_exception(CredentialMissing(), correlation_id="r")
    assert missing.headers == [(b"www-authenticate", b"Bearer")]
    refused = failures.from_exception(CredentialInvalid(), correlation_id="r")
    assert refused.headers == [(b"www-authenticate", b'Bearer error="invalid_token"')]
    by_service = failures.from_exception(
        _rpc_error(grpc.StatusCode.UNAUTHENTICATED, _info("CREDENTIAL_INVALID")), correlation_id="r"
    )
    assert by_service.headers == refused.headers
