"""Bad input of every kind that people and programs send, and the answer it must get.

`{workspace}`, `{session}` and `{key}` in a call stand for ids of the caller's own; `{foreign}` for an id of nobody.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = {"content-type": "application/json"}
BIG = "x" * 70_000


@dataclass(frozen=True, slots=True)
class BadInput:
    """A call and its answer; `blamed` is the field that the answer names, empty for the call as a whole."""

    name: str
    call: str
    status: int
    reason: str
    blamed: str = ""
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes | None:
        """The body as it is sent: bytes as they are, everything else as JSON."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body).encode()


def _field(name: str, call: str, field: str, body: Any = None, reason: str = "INVALID_FIELD") -> BadInput:
    return BadInput(name, call, 400, reason, field, body, JSON if body is not None else {})


def _workspace(name: str, field: str, reason: str = "INVALID_FIELD", /, **values: Any) -> BadInput:
    return _field(name, "POST /v1/workspaces", field, {"name": "bad-input"} | values, reason)


def _session(name: str, field: str, reason: str = "INVALID_FIELD", /, **values: Any) -> BadInput:
    return _field(name, "POST /v1/sessions", field, {"workspaceId": "{workspace}"} | values, reason)


REQUESTS = [
    BadInput("cut JSON", "POST /v1/workspaces", 400, "INVALID_JSON", body=b'{"name": "a"', headers=JSON),
    BadInput("deep JSON", "POST /v1/workspaces", 400, "JSON_TOO_DEEP", body=b"[" * 100_000, headers=JSON),
    _field("key twice", "POST /v1/workspaces", "name", b'{"name":"a","name":"b"}', "DUPLICATE_KEY"),
    _field("NaN", "POST /v1/sessions", "body", b'{"columns":NaN}', "INVALID_NUMBER"),
    _field("infinity", "POST /v1/sessions", "body", b'{"columns":-Infinity}', "INVALID_NUMBER"),
    _field("lone surrogate", "POST /v1/workspaces", "name", b'{"name":"\\ud800"}', "INVALID_UNICODE"),
    _field("NUL", "POST /v1/workspaces", "description", b'{"name":"a","description":"a\\u0000b"}', "NUL_NOT_ALLOWED"),
    _field("bytes that are no UTF-8", "POST /v1/workspaces", "body", b'{"name":"\xff"}', "INVALID_UNICODE"),
    BadInput(
        *("text/plain", "POST /v1/workspaces", 415, "UNSUPPORTED_MEDIA_TYPE"),
        body={"name": "a"},
        headers={"content-type": "text/plain"},
    ),
    BadInput("2 MiB", "POST /v1/workspaces", 413, "BODY_TOO_LARGE", body=b" " * (2 << 20), headers=JSON),
    _workspace("unknown field", "is_admin", "UNKNOWN_FIELD", is_admin=True),
    _workspace("account of one's choice", "accountId", "UNKNOWN_FIELD", accountId="{foreign}"),
    _workspace("prototype", "__proto__", "UNKNOWN_FIELD", __proto__={"name": "b"}),
    _session("boolean for a number", "columns", "INVALID_TYPE", columns=True),
    _session("fraction for an integer", "columns", "INVALID_TYPE", columns=1.5),
    _session("number beyond 32 bits", "columns", "INVALID_NUMBER", columns=1 << 40),
    _workspace("list for a text", "name", "INVALID_TYPE", name=["a"]),
    _workspace("object for a text", "name", "INVALID_TYPE", name={"a": 1}),
    _field("list for an object", "POST /v1/workspaces", "body", [], "INVALID_TYPE"),
    _field("negative page size", "GET /v1/workspaces?pageSize=-1", "pageSize"),
    _field("page size in words", "GET /v1/workspaces?pageSize=abc", "pageSize", reason="INVALID_TYPE"),
    _field("made-up page token", "GET /v1/workspaces?pageToken=AAAA", "pageToken", reason="INVALID_PAGE_TOKEN"),
    _field("unknown parameter", "GET /v1/workspaces?limit=5", "limit", reason="UNKNOWN_FIELD"),
    _field("unknown state", "GET /v1/workspaces?state=HAPPY", "state", reason="INVALID_TYPE"),
    _field("id that is none", "GET /v1/workspaces/1", "workspaceId"),
    _field("id with a slash", "GET /v1/workspaces/a%2Fb", "workspaceId"),
    _field("request id that is none", "DELETE /v1/workspaces/{workspace}?requestId=1", "requestId"),
    BadInput("unknown id", "GET /v1/workspaces/{foreign}", 404, "WORKSPACE_NOT_FOUND"),
    BadInput("unknown path", "GET /v1/users/../../etc", 404, "ROUTE_NOT_FOUND"),
    BadInput("TRACE", "TRACE /v1/workspaces", 405, "METHOD_NOT_ALLOWED"),
    BadInput("wrong method", "PUT /v1/workspaces", 405, "METHOD_NOT_ALLOWED"),
    _field("update of an unknown field", "PATCH /v1/workspaces/{workspace}?updateMask=colour&etag=*", "updateMask", {}),
    BadInput(
        "update without a version", "PATCH /v1/workspaces/{workspace}", 400, "ETAG_REQUIRED", body={}, headers=JSON
    ),
    BadInput(
        *("update of an old version", "PATCH /v1/workspaces/{workspace}", 412, "ETAG_MISMATCH"),
        body={"description": "b"},
        headers=JSON | {"if-match": '"0"'},
    ),
    BadInput("revocation of an old version", "DELETE /v1/apiKeys/{key}?etag=%220%22", 409, "ETAG_MISMATCH"),
    BadInput(
        "binary header that is no base64",
        "GET /v1/workspaces",
        400,
        "INVALID_FIELD",
        "grpc-metadata-x-bin",
        headers={"grpc-metadata-x-bin": "*"},
    ),
    BadInput(
        "page of another origin", "POST /v1/workspaces", 403, "CROSS_SITE", headers={"origin": "https://evil.example"}
    ),
    BadInput("page without an origin", "POST /v1/workspaces", 403, "CROSS_SITE", headers={"origin": "null"}),
]
"""What is wrong with the request itself."""

CREDENTIALS = [
    BadInput("no key", "GET /v1/workspaces", 401, "CREDENTIAL_MISSING", headers={"authorization": ""}),
    BadInput(
        "key with a typing error",
        "GET /v1/workspaces",
        401,
        "CREDENTIAL_MALFORMED",
        headers={"authorization": "{typo}"},
    ),
    BadInput("unknown key", "GET /v1/workspaces", 401, "CREDENTIAL_INVALID", headers={"authorization": "{unknown}"}),
    BadInput(
        "other scheme", "GET /v1/workspaces", 401, "CREDENTIAL_MALFORMED", headers={"authorization": "Basic YTpi"}
    ),
    BadInput(
        *("token that nobody signed", "GET /v1/workspaces", 401, "CREDENTIAL_MALFORMED"),
        headers={"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."},
    ),
    BadInput("key in the URL", "GET /v1/workspaces?access_token=x", 400, "CREDENTIAL_IN_URL"),
    BadInput(
        "account of others",
        "GET /v1/workspaces",
        403,
        "ACCOUNT_NOT_ALLOWED",
        headers={"stateroom-account": "{foreign}"},
    ),
    BadInput(
        *("account that is none", "GET /v1/workspaces", 400, "INVALID_FIELD", "stateroom-account"),
        headers={"stateroom-account": "mine"},
    ),
    BadInput(
        "key without the scope",
        "POST /v1/workspaces",
        403,
        "SCOPE_MISSING",
        headers={"authorization": "{narrow}"} | JSON,
        body={"name": "a"},
    ),
    BadInput(
        *("account that is empty", "GET /v1/workspaces", 400, "INVALID_FIELD", "stateroom-account"),
        headers={"stateroom-account": ""},
    ),
    _field("key without a name", "POST /v1/apiKeys", "name", {}),
    _field("scope that is none", "POST /v1/apiKeys", "scopes[0]", {"name": "a", "scopes": ["root"]}),
    _field("key that expired", "POST /v1/apiKeys", "expireTime", {"name": "a", "expireTime": "2001-01-01T00:00:00Z"}),
    _field(
        "time that is none", "POST /v1/apiKeys", "expireTime", {"name": "a", "expireTime": "tomorrow"}, "INVALID_TYPE"
    ),
    BadInput("unknown API key", "GET /v1/apiKeys/{foreign}", 404, "API_KEY_NOT_FOUND"),
]
"""What is wrong with who calls, and with keys."""

_URLS = {
    "URL that is a command": "ext::sh -c id",
    "file URL": "file:///etc/passwd",
    "ssh URL with an option": "ssh://-oProxyCommand=x/y",
    "git URL": "git://example.com/a",
    "http URL": "http://example.com/a",
    "URL with a credential": "https://me:secret@example.com/a",
    "URL that is an option": "--upload-pack=touch x",
    "relative path": "../../etc",
}
_BRANCHES = {
    "branch that is an option": "--upload-pack=x",
    "branch with two dots": "a..b",
    "branch with a blank": "a b",
    "branch that ends in .lock": "a.lock",
    "branch that is @": "@",
    "branch with a control character": "a\nb",
}
WORKSPACES = [
    _field("no name", "POST /v1/workspaces", "name", {}),
    *(_workspace(f"name {name!r}", "name", name=name) for name in ("../..", "a b", "a/b", "-\n", "é", "x" * 51)),
    _workspace("long description", "description", description="x" * 201),
    _workspace("description with an escape", "description", description="\x1b[2J"),
    *(
        _workspace(name, "repositoryUrl", "REPOSITORY_URL_NOT_ALLOWED", repositoryUrl=url)
        for name, url in _URLS.items()
    ),
    *(_workspace(name, "branch", branch=branch) for name, branch in _BRANCHES.items()),
    BadInput(
        "name that is taken", "POST /v1/workspaces", 409, "WORKSPACE_NAME_TAKEN", body={"name": "{name}"}, headers=JSON
    ),
    BadInput("deletion of one in use", "DELETE /v1/workspaces/{workspace}", 400, "WORKSPACE_IN_USE"),
    BadInput(
        "archiving of one in use",
        "POST /v1/workspaces/{workspace}:archive",
        400,
        "WORKSPACE_IN_USE",
        body={},
        headers=JSON,
    ),
    BadInput(
        "unarchiving of an active one",
        "POST /v1/workspaces/{workspace}:unarchive",
        400,
        "WORKSPACE_NOT_ARCHIVED",
        body={},
        headers=JSON,
    ),
    BadInput("deletion of an unknown one", "DELETE /v1/workspaces/{foreign}", 404, "WORKSPACE_NOT_FOUND"),
]
"""What is wrong with workspaces."""

SESSIONS = [
    _field("no workspace", "POST /v1/sessions", "workspaceId", {}),
    BadInput(
        "unknown workspace",
        "POST /v1/sessions",
        404,
        "WORKSPACE_NOT_FOUND",
        body={"workspaceId": "{foreign}"},
        headers=JSON,
    ),
    *(_session(f"shell {shell!r}", "shell", shell=shell) for shell in ("/var/evil", "sh -c x", "BASH", "../bash")),
    *(
        _session(f"directory {where!r}", "workingDirectory", "INVALID_WORKING_DIRECTORY", workingDirectory=where)
        for where in ("../../etc", "/etc", "a/../../b", "missing")
    ),
    _session("long directory", "workingDirectory", workingDirectory="x" * 5000),
    _session("negative width", "columns", columns=-1),
    _session("huge width", "columns", columns=100_000),
    _session("huge height", "rows", rows=100_000),
    _session("kind that is none", "kind", "INVALID_TYPE", kind="GAME"),
    _session("variable without a name", 'environment[""]', environment={"": "a"}),
    _session("variable with an equals sign", 'environment["A=B"]', environment={"A=B": "a"}),
    _session("long variable", 'environment["A"]', environment={"A": "x" * 5000}),
    _session("too many variables", "environment", environment={f"V{n}": "x" for n in range(65)}),
    _field("size of nothing", "POST /v1/sessions/{session}:resize", "columns", {"columns": 0, "rows": 10}),
    _field("nothing typed", "POST /v1/sessions/{session}:write", "data", {}),
    _field("typed no base64", "POST /v1/sessions/{session}:write", "data", {"data": "*"}, "INVALID_TYPE"),
    _field(
        "typed base64 with too little padding",
        "POST /v1/sessions/{session}:write",
        "data",
        {"data": "QQ="},
        "INVALID_TYPE",
    ),
    _field(
        "typed base64 with bits to spare", "POST /v1/sessions/{session}:write", "data", {"data": "QR=="}, "INVALID_TYPE"
    ),
    _field(
        "typed base64 of two alphabets", "POST /v1/sessions/{session}:write", "data", {"data": "+_+_"}, "INVALID_TYPE"
    ),
    _field("typed too much", "POST /v1/sessions/{session}:write", "data", {"data": BIG + BIG}),
    _field("negative offset", "GET /v1/sessions/{session}/output?offset=-1", "offset"),
    _field("offset that is none", "GET /v1/sessions/{session}/output?offset=1e99", "offset", reason="INVALID_TYPE"),
    BadInput("offset beyond the end", "GET /v1/sessions/{session}/output?offset=99999999", 400, "OFFSET_OUT_OF_RANGE"),
    BadInput("attaching without a WebSocket", "GET /v1/sessions/{session}:attach", 426, "UPGRADE_REQUIRED"),
    BadInput("unknown session", "GET /v1/sessions/{foreign}", 404, "SESSION_NOT_FOUND"),
    BadInput(
        "typing into an unknown one",
        "POST /v1/sessions/{foreign}:write",
        404,
        "SESSION_NOT_FOUND",
        body={"data": "YQ=="},
        headers=JSON,
    ),
    _field("empty command", "POST /v1/workspaces/{workspace}:exec", "command", {"command": []}),
    _field("command without a program", "POST /v1/workspaces/{workspace}:exec", "command", {"command": [""]}),
    _field(
        "command in a directory that is not there",
        "POST /v1/workspaces/{workspace}:exec",
        "workingDirectory",
        {"command": ["true"], "workingDirectory": "missing"},
        "INVALID_WORKING_DIRECTORY",
    ),
    BadInput(
        "command that is not there",
        "POST /v1/workspaces/{workspace}:exec",
        400,
        "COMMAND_NOT_FOUND",
        body={"command": ["no-such"]},
        headers=JSON,
    ),
]
"""What is wrong with sessions and commands."""

AUDIT = [
    _field("time that is none", "GET /v1/auditLogs?startTime=yesterday", "startTime", reason="INVALID_TYPE"),
    _field("entity that is none", "GET /v1/auditLogs?entityId=1", "entityId"),
    BadInput("unknown entry", "GET /v1/auditLogs/{foreign}", 404, "AUDIT_LOG_NOT_FOUND"),
    _field(
        "range that runs backwards",
        "GET /v1/auditLogs?startTime=2026-02-02T00:00:00Z&endTime=2026-01-01T00:00:00Z",
        "startTime",
    ),
]
"""What is wrong with questions to the audit log."""


def _file(name: str, call: str, status: int, reason: str, blamed: str = "", **values: Any) -> BadInput:
    verb, _, target = call.partition(" ")
    return BadInput(name, f"{verb} /v1/workspaces/{{workspace}}/files{target}", status, reason, blamed, **values)


_WAYS_OUT = ("../../etc/passwd", "/etc/passwd", "a/../../b", "%2e%2e/b", "..%5C..%5Cb")
FILES = [
    *(_file(f"path {path!r}", f"GET :stat?path={path}", 400, "PATH_OUTSIDE_WORKSPACE", "path") for path in _WAYS_OUT),
    *(
        _file(f"write to {path!r}", f"PUT :write?path={path}", 400, "PATH_OUTSIDE_WORKSPACE", "path")
        for path in _WAYS_OUT
    ),
    _file("path with NUL", "GET :stat?path=a%00b", 400, "NUL_NOT_ALLOWED", "path"),
    _file("path that is no UTF-8", "PUT :write?path=%FF", 400, "INVALID_UNICODE", "path"),
    _file("path of 5,000 characters", "GET :stat?path=" + "x" * 5000, 400, "INVALID_FIELD", "path"),
    _file("name of 256 bytes", "PUT :write?path=" + "x" * 256, 400, "INVALID_PATH", "path"),
    _file("name that is empty", "PUT :write?path=a//b", 400, "INVALID_PATH", "path"),
    _file("no path", "PUT :write", 400, "INVALID_FIELD", "path"),
    _file("hook of git", "PUT :write?path=.git/hooks/pre-commit", 403, "PROTECTED_PATH", body=b"#!/bin/sh"),
    _file("configuration of git", "PUT :write?path=.git/config", 403, "PROTECTED_PATH", body=b"[core]"),
    _file("deletion of git", "DELETE ?path=.git&recursive=true&etag=*", 403, "PROTECTED_PATH"),
    _file("directory as a file", "GET :read?path=.git", 400, "NOT_A_REGULAR_FILE"),
    _file("file that is not there", "GET :read?path=missing", 404, "FILE_NOT_FOUND"),
    _file("directory that is not there", "GET ?path=missing", 404, "FILE_NOT_FOUND"),
    _file("write into a directory that is not there", "PUT :write?path=missing/a", 404, "FILE_NOT_FOUND"),
    _file("write of an old version", "PUT :write?path=a", 412, "ETAG_MISMATCH", headers={"if-match": '"0"'}),
    _file("range beyond the end", "GET :read?path=.git/HEAD&offset=999999", 400, "FILE_RANGE_OUTSIDE"),
    _file(
        *("Range beyond the end", "GET :read?path=.git/HEAD", 416, "FILE_RANGE_OUTSIDE"),
        headers={"range": "bytes=999999-"},
    ),
    _file("negative offset", "GET :read?path=a&offset=-1", 400, "INVALID_FIELD", "offset"),
    _file("search for nothing", "GET :search?query=", 400, "INVALID_FIELD", "query"),
    _file("wrong expression", "GET :search?query=(&regex=true", 400, "INVALID_FIELD", "query"),
    _file("archive that is none", "POST :upload?format=ZIP", 400, "ARCHIVE_REFUSED", body=b"PK"),
    _file("archive of an unknown form", "POST :upload?format=RAR", 400, "INVALID_TYPE", "format"),
    _file("compressed body", "PUT :write?path=a", 415, "UNSUPPORTED_MEDIA_TYPE", headers={"content-encoding": "gzip"}),
    BadInput("file of an unknown room", "GET /v1/workspaces/{foreign}/files:stat?path=a", 404, "WORKSPACE_NOT_FOUND"),
]
"""What is wrong with files."""
