"""Errors: their sentence, their metadata, their status, and how they come back from a neighbour."""

from datetime import timedelta

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from chassis import errors
from chassis.rpc import status

KINDS = {
    errors.InvalidArgument: "INVALID_ARGUMENT",
    errors.Unauthenticated: "UNAUTHENTICATED",
    errors.PermissionDenied: "PERMISSION_DENIED",
    errors.NotFound: "NOT_FOUND",
    errors.AlreadyExists: "ALREADY_EXISTS",
    errors.WrongState: "FAILED_PRECONDITION",
    errors.Conflict: "ABORTED",
    errors.LimitExceeded: "RESOURCE_EXHAUSTED",
    errors.OutOfRange: "OUT_OF_RANGE",
    errors.Unavailable: "UNAVAILABLE",
    errors.InternalError: "INTERNAL",
}


def _detail(packed: bytes, kind: type[Message]) -> Message | None:
    for detail in status_pb2.Status.FromString(packed).details:
        found = kind()
        if detail.Unpack(found):
            return found
    return None


def _answered(error: errors.DomainError) -> grpc.aio.AioRpcError:
    trailing = grpc.aio.Metadata((status.DETAILS_KEY, status.details_of(error, "correlation")))
    return grpc.aio.AioRpcError(status.code_of(error), grpc.aio.Metadata(), trailing, error.message, None)


def test_message_of_an_error_is_its_docstring_filled_with_its_values() -> None:
    """The sentence and the metadata come from the same values."""
    error = errors.RoleTooLow(role="VIEWER", required="ADMIN")
    assert error.message == "The role VIEWER in the acting account is too low; ADMIN is needed."
    assert error.values == {"role": "VIEWER", "required": "ADMIN"}


def test_message_of_an_error_with_braces_in_a_value_keeps_them() -> None:
    """A value is put in, never read as a placeholder."""
    assert "{secret}" in errors.EtagMismatch("{secret}").message


def test_second_class_with_the_same_reason_is_refused() -> None:
    """A reason names one class for ever."""
    with pytest.raises(TypeError, match="ETAG_MISMATCH"):
        type("Another", (errors.Conflict,), {"reason": "ETAG_MISMATCH"})


@pytest.mark.parametrize(("kind", "code"), KINDS.items(), ids=lambda value: getattr(value, "__name__", value))
def test_code_of_each_kind_is_the_one_of_the_table(kind: type[errors.DomainError], code: str) -> None:
    """One row for each kind; a kind without a row would have no status."""
    assert status.KINDS[kind].name == code
    assert set(KINDS) == set(status.KINDS)


def test_details_of_an_error_name_reason_domain_values_and_request() -> None:
    """A program reads the metadata, never the sentence."""
    packed = status.details_of(errors.EtagMismatch('"7"'), "correlation")
    info = _detail(packed, error_details_pb2.ErrorInfo)
    assert info == error_details_pb2.ErrorInfo(reason="ETAG_MISMATCH", domain="stateroom.dev", metadata={"etag": '"7"'})
    assert _detail(packed, error_details_pb2.RequestInfo) == error_details_pb2.RequestInfo(request_id="correlation")
    assert _detail(packed, error_details_pb2.RetryInfo) is None


def test_details_of_invalid_fields_list_every_field() -> None:
    """Whoever fixes a form wants to see all of its faults."""
    error = errors.InvalidField(errors.Violation("a", "is bad"), errors.Violation("b.c", "is worse"))
    found = _detail(status.details_of(error, ""), error_details_pb2.BadRequest)
    assert isinstance(found, error_details_pb2.BadRequest)
    assert [(violation.field, violation.description) for violation in found.field_violations] == [
        ("a", "is bad"),
        ("b.c", "is worse"),
    ]


def test_details_of_an_error_with_a_delay_say_when_to_try_again() -> None:
    """The delay becomes RetryInfo, and later Retry-After."""
    error = errors.TransactionConflict(retry_after=timedelta(seconds=1.5))
    found = _detail(status.details_of(error, ""), error_details_pb2.RetryInfo)
    assert isinstance(found, error_details_pb2.RetryInfo)
    assert found.retry_delay.ToTimedelta() == timedelta(seconds=1.5)


def test_relayed_error_of_a_neighbour_keeps_kind_reason_sentence_and_values() -> None:
    """A service passes its neighbour's error on as it came."""
    with pytest.raises(errors.PermissionDenied) as caught:
        status.raise_relayed(_answered(errors.ScopeMissing("workspaces.write")), service="workspace")
    assert caught.value.reason == "SCOPE_MISSING"
    assert caught.value.message == "The credential lacks the scope workspaces.write."
    assert caught.value.values == {"permission": "workspaces.write"}


def test_relayed_error_of_a_neighbour_keeps_the_fields_it_blames() -> None:
    """And says them as its own caller knows them, in the sentence, the values and the violations."""
    with pytest.raises(errors.InvalidArgument) as caught:
        status.raise_relayed(_answered(errors.InvalidField(errors.Violation("size", "is bad"))), service="runner")
    assert caught.value.violations == (errors.Violation("size", "is bad"),)
    caught.value.blame_within("session")
    assert caught.value.violations == (errors.Violation("session.size", "is bad"),)
    assert caught.value.message == "session.size: is bad"
    assert caught.value.values == {"field": "session.size", "description": "is bad"}


def test_relayed_internal_error_of_a_neighbour_becomes_service_unavailable() -> None:
    """A neighbour's fault is not ours, and its error id means nothing to our caller."""
    with pytest.raises(errors.ServiceUnavailable):
        status.raise_relayed(_answered(errors.InternalError("id")), service="workspace")


def test_relayed_error_without_details_becomes_service_unavailable() -> None:
    """What no service of ours said, such as a refused connection, names the service that did not answer."""
    exc = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "refused", None)
    with pytest.raises(errors.ServiceUnavailable) as caught:
        status.raise_relayed(exc, service="workspace")
    assert caught.value.values == {"service": "workspace"}
