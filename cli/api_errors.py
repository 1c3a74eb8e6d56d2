"""From an error as the API writes it (AIP-193) to the exception a command ends with."""

import json
from typing import Any

from cli.errors import CommandFailed, Passing, Refused, ServerFailed, Unreachable

FIRST_SERVER_ERROR = 500
UNAUTHENTICATED = 401
PASSING_STATUSES = {499, 502, 503, 504}
"""A service is stopping, gone or slow; 499 is a stream that its end cancelled."""


def from_response(code: int, content: bytes) -> CommandFailed:
    """Return the exception for an HTTP status and a body."""
    try:
        error = json.loads(content)["error"]
        return from_error(code, error)
    except (ValueError, KeyError, TypeError):
        kind = ServerFailed if code >= FIRST_SERVER_ERROR else Unreachable
        return kind(f"The server answered with status {code} and not as Stateroom; check the URL.")


def from_error(code: int, error: dict[str, Any]) -> CommandFailed:
    """Return the exception for the object `error` of a body, a stream's line or a WebSocket's frame."""
    details = {str(detail.get("@type", "")).rpartition(".")[2]: detail for detail in error.get("details", [])}
    message = str(error.get("message", "no reason given")) + _advice(code, details)
    if code in PASSING_STATUSES:
        return Passing(message)
    if code >= FIRST_SERVER_ERROR:
        return ServerFailed(message)
    return Refused(message, reason=str(details.get("ErrorInfo", {}).get("reason", "")), code=code)


def _advice(code: int, details: dict[str, dict[str, Any]]) -> str:
    if delay := details.get("RetryInfo", {}).get("retryDelay"):
        return f" Try again in {delay}."
    if code == UNAUTHENTICATED:
        return " The key comes from STATEROOM_API_KEY, or from .stateroom/endpoint.json."
    violations = details.get("BadRequest", {}).get("fieldViolations", [])[1:]
    return "".join(f"\n{violation.get('field')}: {violation.get('description')}" for violation in violations)
