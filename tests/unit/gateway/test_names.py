"""Names of fields as the caller of REST wrote them."""

import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from gateway.transcode.names import name_for_caller
from gateway.transcode.routes import Routes
from gateway.violations import rename_fields


@pytest.mark.parametrize(
    ("call", "path", "name"),
    [
        ("GET /v1/sessions", "page_size", "pageSize"),
        ("GET /v1/sessions/a", "session_id", "sessionId"),
        ("POST /v1/sessions", "session.workspace_id", "workspaceId"),
        ("POST /v1/sessions", 'session.environment["a.b"]', 'environment["a.b"]'),
        ("POST /v1/sessions", "session.environment_names[2]", "environmentNames[2]"),
        ("POST /v1/sessions", "session", "body"),
        ("POST /v1/sessions", "request_id", "requestId"),
        ("POST /v1/workspaces", "workspace.name", "name"),
        ("POST /v1/sessions/a:write", "data", "data"),
        ("GET /v1/sessions/a:attach", "attach.role", "role"),
        ("GET /v1/sessions", "no_such.field_here", "no_such.field_here"),
        ("GET /v1/sessions", "", ""),
    ],
)
def test_name_for_caller_is_what_the_caller_wrote(routes: Routes, call: str, path: str, name: str) -> None:
    """JSON names, from where the caller wrote the field; what is no field stays."""
    method, _, target = call.partition(" ")
    assert name_for_caller(routes.find(method, target)[0], path, {}) == name


def test_name_for_caller_of_a_header_is_the_headers(routes: Routes) -> None:
    """A field that a header gave is blamed under the header's name."""
    route, _ = routes.find("POST", "/v1/sessions")
    assert name_for_caller(route, "request_id", {"request_id": "Idempotency-Key"}) == "Idempotency-Key"
    stream, _ = routes.find("GET", "/v1/sessions/a/output")
    assert name_for_caller(stream, "offset", {"offset": "Last-Event-ID"}) == "Last-Event-ID"


def test_rename_fields_changes_sentence_metadata_and_violations() -> None:
    """All three say the same name; other details stay as they are."""
    info = error_details_pb2.ErrorInfo(reason="INVALID_FIELD", metadata={"field": "page_size", "description": "d"})
    bad = error_details_pb2.BadRequest(field_violations=[{"field": "page_size", "description": "must be small"}])
    other = error_details_pb2.RequestInfo(request_id="page_size")
    status = status_pb2.Status(message="page_size: must be small")
    for detail in (info, bad, other):
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    rename_fields(status, lambda path: "pageSize" if path == "page_size" else path)
    assert status.message == "pageSize: must be small"
    assert error_details_pb2.ErrorInfo.FromString(status.details[0].value).metadata["field"] == "pageSize"
    assert error_details_pb2.BadRequest.FromString(status.details[1].value).field_violations[0].field == "pageSize"
    assert error_details_pb2.RequestInfo.FromString(status.details[2].value).request_id == "page_size"
