"""Routes: every public method of the contracts has one, and the right one is found."""

import pytest

from chassis.errors import DomainError
from gateway.errors import MethodNotAllowed, RouteNotFound
from gateway.transcode.routes import Routes
from gateway.transcode.schema import Schema


def test_schema_internal_methods_have_no_route(schema: Schema) -> None:
    """Methods for other services are never reachable over REST."""
    names = {method.name for method in schema.methods}
    assert {"GetSession", "AttachSession", "CreateUser", "ListAuditLogs"} <= names
    assert not names & {"ExchangeCredential", "GetRunner", "ListChanges", "GetHead"}


@pytest.mark.parametrize(
    ("http_method", "path", "name", "values"),
    [
        ("GET", "/v1/users/me", "GetCurrentUser", {}),
        ("GET", "/v1/sessions/abc", "GetSession", {"session_id": "abc"}),
        ("HEAD", "/v1/sessions/abc", "GetSession", {"session_id": "abc"}),
        ("GET", "/v1/sessions/abc:attach", "AttachSession", {"attach.session_id": "abc"}),
        ("GET", "/v1/sessions/a%3Aattach", "GetSession", {"session_id": "a:attach"}),
        ("POST", "/v1/sessions/abc:write", "WriteSession", {"session_id": "abc"}),
        ("GET", "/v1/sessions/abc/output", "StreamOutput", {"session_id": "abc"}),
        ("DELETE", "/v1/workspaces/abc", "DeleteWorkspace", {"workspace_id": "abc"}),
        ("GET", "/v1/sessions/*", "GetSession", {"session_id": "*"}),
    ],
)
def test_find_known_path_gives_method(
    routes: Routes, http_method: str, path: str, name: str, values: dict[str, str]
) -> None:
    """Literals win, verbs split off, HEAD finds what GET finds."""
    route, segments = routes.find(http_method, path)
    assert route.method.name == name
    assert route.path_values(segments) == values


@pytest.mark.parametrize(
    ("http_method", "path", "error"),
    [
        ("GET", "/", RouteNotFound),
        ("GET", "/v1", RouteNotFound),
        ("GET", "/v1/sessions/", RouteNotFound),
        ("GET", "/v1//sessions", RouteNotFound),
        ("GET", "/v1/sessions/abc:frobnicate", RouteNotFound),
        ("GET", "/v1/sessions/abc:", RouteNotFound),
        ("GET", "/v1/*", RouteNotFound),
        ("GET", "/" + "a/" * 50_000, RouteNotFound),
        ("PUT", "/v1/sessions", MethodNotAllowed),
        ("TRACE", "/v1/sessions/abc", MethodNotAllowed),
        ("GET", "/v1/sessions/abc:write", MethodNotAllowed),
    ],
)
def test_find_unknown_is_refused(routes: Routes, http_method: str, path: str, error: type[DomainError]) -> None:
    """An unknown path is not found, a known one with another method is not allowed; long paths cost no stack."""
    with pytest.raises(error):
        routes.find(http_method, path)


def test_find_wrong_method_lists_allowed(routes: Routes) -> None:
    """Allow names every method of the path."""
    with pytest.raises(MethodNotAllowed) as refused:
        routes.find("PATCH", "/v1/sessions")
    assert refused.value.headers == [(b"allow", b"GET, HEAD, POST")]
