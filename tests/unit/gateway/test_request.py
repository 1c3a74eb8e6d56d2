"""Binding: path, query, body and headers meet in one message."""

from typing import Any

import pytest

from chassis.errors import DomainError
from gateway.errors import InvalidType
from gateway.transcode.request import RequestBinder, RequestParts
from gateway.transcode.routes import Routes
from gateway.transcode.schema import Schema


def _bind(routes: Routes, binder: RequestBinder, call: str, body: bytes = b"", **headers: str) -> Any:
    http_method, _, target = call.partition(" ")
    path, _, query = target.partition("?")
    route, segments = routes.find(http_method, path)
    encoded = binder.bind(route, RequestParts(segments, query.encode(), body, headers))
    return route.method.request.python_type.from_binary(encoded)


@pytest.mark.parametrize(
    ("call", "field", "value"),
    [
        ("GET /v1/sessions?pageSize=10", "page_size", 10),
        ("GET /v1/sessions?page_size=10", "page_size", 10),
        ("GET /v1/sessions?pageSize=-1", "page_size", -1),
        ("GET /v1/sessions?pageToken=a+b%20c%2B", "page_token", "a b c+"),
        ("GET /v1/sessions?state=ACTIVE", "state", 2),
        ("GET /v1/sessions?state=2", "state", 2),
        ("GET /v1/sessions?state=99", "state", 99),
        ("GET /v1/workspaces?showDeleted=true", "show_deleted", True),
        ("GET /v1/workspaces?name", "name", ""),
        ("GET /v1/workspaces?pretty&name=x", "name", "x"),
        ("GET /v1/sessions/a%2Fb", "session_id", "a/b"),
        ("GET /v1/sessions/a?session_id=a", "session_id", "a"),
    ],
)
def test_bind_path_and_query_fill_fields(
    routes: Routes, binder: RequestBinder, call: str, field: str, value: object
) -> None:
    """Either spelling of a name works; enums come by name or number; `+` is a space in a query only."""
    assert getattr(_bind(routes, binder, call), field) == value


def test_bind_timestamp_in_query_is_read(routes: Routes, binder: RequestBinder) -> None:
    """Well-known types have their JSON text."""
    request = _bind(routes, binder, "GET /v1/auditLogs?startTime=2026-01-01T00:00:00Z")
    assert request.start_time.seconds == 1_767_225_600


def test_bind_stream_query_is_relative_to_the_paths_message(routes: Routes, binder: RequestBinder) -> None:
    """A WebSocket's query may name fields of `attach` with or without the prefix."""
    request = _bind(routes, binder, "GET /v1/sessions/abc:attach?offset=5&attach.role=OBSERVER")
    attach = request.message.value
    assert (attach.session_id, attach.offset, attach.role) == ("abc", 5, 2)


def test_bind_body_field_and_header_fill_message(routes: Routes, binder: RequestBinder) -> None:
    """The body is one field of the request; Idempotency-Key another."""
    request = _bind(routes, binder, "POST /v1/sessions", b'{"workspaceId":"w","columns":"80"}', request_id="u")
    assert (request.session.workspace_id, request.session.columns, request.request_id) == ("w", 80, "u")


def test_bind_whole_body_may_repeat_the_path(routes: Routes, binder: RequestBinder) -> None:
    """The same value in path and body is no conflict."""
    request = _bind(routes, binder, "POST /v1/sessions/abc:write", b'{"session_id":"abc","data":"aGk="}')
    assert (request.session_id, request.data) == ("abc", b"hi")


@pytest.mark.parametrize(
    ("call", "body", "expected"),
    [
        ("GET /v1/sessions?nope=1", b"", ("UNKNOWN_FIELD", "nope")),
        ("GET /v1/sessions?state.x=1", b"", ("UNKNOWN_FIELD", "state.x")),
        ("POST /v1/sessions/a:write?data=aGk=", b"{}", ("UNKNOWN_FIELD", "data")),
        ("GET /v1/sessions?pageSize=abc", b"", ("INVALID_TYPE", "pageSize")),
        ("GET /v1/sessions?pageSize=1.5", b"", ("INVALID_TYPE", "pageSize")),
        ("GET /v1/sessions?pageSize=", b"", ("INVALID_TYPE", "pageSize")),
        ("GET /v1/sessions?pageSize=99999999999", b"", ("INVALID_NUMBER", "pageSize")),
        ("GET /v1/sessions?state=active", b"", ("INVALID_TYPE", "state")),
        ("GET /v1/workspaces?showDeleted=1", b"", ("INVALID_TYPE", "showDeleted")),
        ("GET /v1/auditLogs?startTime=yesterday", b"", ("INVALID_TYPE", "startTime")),
        ("GET /v1/sessions?pageSize=1&page_size=2", b"", ("DUPLICATE_KEY", "page_size")),
        ("GET /v1/sessions/a?sessionId=b", b"", ("FIELD_CONFLICT", "sessionId")),
        ("POST /v1/sessions/a:write", b'{"sessionId":"b"}', ("FIELD_CONFLICT", "sessionId")),
        ("POST /v1/sessions?session.shell=x", b"{}", ("FIELD_CONFLICT", "session.shell")),
        ("POST /v1/sessions", b'{"is_admin":true}', ("UNKNOWN_FIELD", "is_admin")),
        ("POST /v1/sessions", b'{"__proto__":{}}', ("UNKNOWN_FIELD", "__proto__")),
        ("POST /v1/sessions", b'{"columns":true}', ("INVALID_TYPE", "columns")),
        ("POST /v1/sessions", b'{"columns":1.5}', ("INVALID_TYPE", "columns")),
        ("POST /v1/sessions", b'{"columns":3000000000}', ("INVALID_NUMBER", "columns")),
        ("POST /v1/sessions", b'{"shell":[]}', ("INVALID_TYPE", "shell")),
        ("POST /v1/sessions", b'{"kind":"HOLOGRAM"}', ("INVALID_TYPE", "kind")),
        ("POST /v1/sessions", b'{"environment":{"A":1}}', ("INVALID_TYPE", 'environment["A"]')),
        ("POST /v1/sessions", b'{"environmentNames":"A"}', ("INVALID_TYPE", "environmentNames")),
        ("POST /v1/sessions", b'{"createTime":"noon"}', ("INVALID_TYPE", "createTime")),
        ("POST /v1/sessions", b'{"outputBytes":1,"output_bytes":2}', ("DUPLICATE_KEY", "output_bytes")),
        ("POST /v1/sessions", b'"x"', ("INVALID_TYPE", "body")),
        ("POST /v1/sessions/a:write", b"[]", ("INVALID_TYPE", "body")),
        ("POST /v1/sessions/a:write", b'{"data":"a*"}', ("INVALID_TYPE", "data")),
        ("POST /v1/sessions/a:write", b'{"data":"a"}', ("INVALID_TYPE", "data")),
        ("DELETE /v1/workspaces/a", b'{"force":true}', ("UNKNOWN_FIELD", "force")),
        ("GET /v1/sessions/a:attach?input.data=aGk=", b"", ("INVALID_TYPE", "input.data")),
        ("GET /v1/sessions/a:attach?nope=1", b"", ("UNKNOWN_FIELD", "nope")),
        ("GET /v1/sessions/%ff", b"", ("INVALID_UNICODE", "sessionId")),
        ("GET /v1/sessions/a%00b", b"", ("NUL_NOT_ALLOWED", "sessionId")),
        ("GET /v1/sessions?pageToken=%00", b"", ("NUL_NOT_ALLOWED", "pageToken")),
        ("GET /v1/sessions?pageToken=%ff", b"", ("INVALID_UNICODE", "pageToken")),
    ],
)
def test_bind_bad_value_names_field(
    routes: Routes, binder: RequestBinder, call: str, body: bytes, expected: tuple[str, str]
) -> None:
    """Every refusal has its reason and the field as the caller wrote it."""
    with pytest.raises(DomainError) as refused:
        _bind(routes, binder, call, body)
    assert (refused.value.reason, refused.value.values["field"]) == expected


def test_bind_header_and_query_disagree_is_refused(routes: Routes, binder: RequestBinder) -> None:
    """An Idempotency-Key that differs from the request id of the query is a conflict."""
    with pytest.raises(DomainError, match="Idempotency-Key"):
        _bind(routes, binder, "POST /v1/sessions?requestId=a", b"{}", request_id="b")


def test_bind_frame_two_of_a_oneof_is_refused(schema: Schema, binder: RequestBinder) -> None:
    """Protobuf would keep the last one silently."""
    attach = next(method for method in schema.methods if method.name == "AttachSession")
    assert binder.bind_frame(attach.request, b'{"input":{"data":"aGk="},"ack":null}')
    with pytest.raises(InvalidType, match="nothing beside"):
        binder.bind_frame(attach.request, b'{"input":{"data":"aGk="},"ack":{"offset":"1"}}')
