"""From the API's errors to sentences and exit codes."""

import json
from collections.abc import Mapping

import pytest

from cli.api_errors import from_response


def _body(message: str, *details: Mapping[str, object]) -> bytes:
    return json.dumps({"error": {"code": 0, "message": message, "details": details}}).encode()


@pytest.mark.parametrize(
    ("status", "exit_code"), [(400, 4), (401, 4), (404, 4), (409, 4), (429, 4), (500, 5), (503, 5)]
)
def test_from_response_status_decides_the_exit_code(status: int, exit_code: int) -> None:
    """4 when the server said no, 5 when it could not."""
    assert from_response(status, _body("no")).exit_code == exit_code


def test_from_response_not_stateroom_says_so() -> None:
    """A page of another server is not shown."""
    failure = from_response(404, b"<html>not found</html>")
    assert failure.exit_code == 6
    assert "not as Stateroom" in str(failure)


def test_from_response_retry_info_is_passed_on() -> None:
    """The sentence says when to try again."""
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}
    assert str(from_response(429, _body("too many", detail))) == "too many Try again in 3s."


def test_from_response_several_violations_are_all_shown() -> None:
    """Each wrong field is named; the first is the message already."""
    violations = [{"field": "name", "description": "bad"}, {"field": "branch", "description": "bad too"}]
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}
    assert str(from_response(400, _body("name: bad", detail))).splitlines() == ["name: bad", "branch: bad too"]
