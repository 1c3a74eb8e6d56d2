"""What the gateway itself refuses. Each error carries the HTTP status of its kind unless it names its own."""

from typing import ClassVar

from chassis.errors import (
    DomainError,
    InvalidArgument,
    InvalidField,
    LimitExceeded,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
    Violation,
)

ECHO_BYTES = 64
"""No answer repeats more of the input than this."""


def echo(text: str) -> str:
    """Return the beginning of what a caller sent, safe to send back: at most 64 bytes, no half characters."""
    return text.encode("utf-8", "replace")[:ECHO_BYTES].decode("utf-8", "ignore")


class RouteNotFound(NotFound):
    """No method has the path {path}."""

    reason = "ROUTE_NOT_FOUND"

    def __init__(self, path: str) -> None:
        super().__init__(path=echo(path))


class MethodNotAllowed(InvalidArgument):
    """{method} is not allowed here; the header Allow lists what is."""

    reason = "METHOD_NOT_ALLOWED"
    http_status: ClassVar[int] = 405

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        self.headers = [(b"allow", ", ".join(allowed).encode())]
        super().__init__(method=echo(method))


class InvalidJson(InvalidArgument):
    """The body is not JSON: {problem} in line {line}, column {column}."""

    reason = "INVALID_JSON"

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(problem=problem, line=str(line), column=str(column))


class JsonTooDeep(InvalidArgument):
    """The body nests deeper than {limit} levels."""

    reason = "JSON_TOO_DEEP"

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))


class FieldProblem(InvalidField):
    """A problem of one field, which a BadRequest detail names as well."""

    def __init__(self, field: str, **values: str) -> None:
        field = echo(field or "body")
        DomainError.__init__(self, retry_after=None, field=field, **values)
        self.violations = (Violation(field, self.message),)


class DuplicateKey(FieldProblem):
    """{field} is given twice."""

    reason = "DUPLICATE_KEY"


class InvalidNumber(FieldProblem):
    """{field}: the number is NaN, infinite or out of range."""

    reason = "INVALID_NUMBER"


class InvalidUnicode(FieldProblem):
    """{field}: the text is not valid Unicode."""

    reason = "INVALID_UNICODE"


class NulNotAllowed(FieldProblem):
    """{field}: the text holds a NUL character."""

    reason = "NUL_NOT_ALLOWED"


class UnknownField(FieldProblem):
    """There is no field {field}."""

    reason = "UNKNOWN_FIELD"


class InvalidType(FieldProblem):
    """{field}: expected {expected}."""

    reason = "INVALID_TYPE"

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(field, expected=expected)


class FieldConflict(FieldProblem):
    """{field} has one value in the path or a header and another in the query or body."""

    reason = "FIELD_CONFLICT"


class UnsupportedMediaType(InvalidArgument):
    """The content type is {contentType}; send application/json, not compressed."""

    reason = "UNSUPPORTED_MEDIA_TYPE"
    http_status: ClassVar[int] = 415

    def __init__(self, content_type: str) -> None:
        super().__init__(contentType=echo(content_type))


class BodyTooLarge(LimitExceeded):
    """The body is larger than {limit} bytes."""

    reason = "BODY_TOO_LARGE"
    http_status: ClassVar[int] = 413

    def __init__(self, limit: int) -> None:
        super().__init__(limit=str(limit))


class BodyCutShort(InvalidField):
    """{field}: {description}."""

    def __init__(self) -> None:
        super().__init__(Violation("body", "the connection ended before it was whole; nothing was done"))


class UrlTooLong(InvalidField):
    """{field}: {description}."""

    http_status: ClassVar[int] = 414

    def __init__(self, limit: int) -> None:
        super().__init__(Violation("url", f"longer than {limit} bytes"))


class HeadersTooLarge(InvalidField):
    """{field}: {description}."""

    http_status: ClassVar[int] = 431

    def __init__(self, limit: int) -> None:
        super().__init__(Violation("headers", f"larger than {limit} bytes"))


class CredentialInUrl(InvalidArgument):
    """A credential stands in the URL, where logs keep it: revoke it, and send the next one in a header."""

    reason = "CREDENTIAL_IN_URL"


class CrossSite(PermissionDenied):
    """A page of another origin, {origin}, made this call."""

    reason = "CROSS_SITE"

    def __init__(self, origin: str) -> None:
        super().__init__(origin=echo(origin))


class UpgradeRequired(InvalidArgument):
    """This method needs a WebSocket: connect with `Upgrade: websocket` and the subprotocol stateroom.v1."""

    reason = "UPGRADE_REQUIRED"
    http_status: ClassVar[int] = 426

    def __init__(self) -> None:
        self.headers = [(b"upgrade", b"websocket"), (b"connection", b"upgrade")]
        super().__init__()


class PreviewPassMissing(Unauthenticated):
    """This preview opens by an address that Stateroom makes for you, once; ask for a new one."""

    reason = "PREVIEW_PASS_MISSING"


class PreviewAnswerInvalid(Unavailable):
    """The server in the workspace gave no proper answer: {cause}."""

    reason = "PREVIEW_ANSWER_INVALID"
    http_status: ClassVar[int] = 502

    def __init__(self, cause: str) -> None:
        super().__init__(cause=echo(cause))


class PreviewTimedOut(Unavailable):
    """The server in the workspace took the request and did not answer within {seconds} seconds."""

    reason = "PREVIEW_TIMED_OUT"
    http_status: ClassVar[int] = 504

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds=f"{seconds:g}")


class RoleChanged(Unavailable):
    """Your role in the account has changed; call again to go on with what you may do now."""

    reason = "ROLE_CHANGED"
