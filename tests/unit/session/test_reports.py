"""The report of a run: the last line behind its own mark, or nothing."""

import json
from typing import Any

import pytest

from services.session.conversations.domain.action import Failure, Outcome, State
from services.session.conversations.running import reports

MARK = "mark"


def _line(content: object, mark: str = MARK) -> bytes:
    return f"\n\x1e{mark} {json.dumps(content)}\n".encode()


def test_read_the_last_report_is_the_outcome() -> None:
    """What a tool printed before it, also in the same form, does not count."""
    result = {"modified_files": {"undo_ref": "refs/x"}}
    output = b"text" + _line({"result": None}) + b"\xff\x00" + _line({"result": result}) + b"and on"
    assert reports.read(output, MARK) == Outcome(State.COMPLETED, result)


def test_read_a_failure_keeps_what_was_done_before_it() -> None:
    """A tool that is missing does not hide those that did their work."""
    said = {"reason": "TOOL_MISSING", "message": "go", "path": "", "edit": 0}
    result: dict[str, Any] = {"configured_tooling": {"tools": []}}
    expected = Outcome(State.FAILED, result, Failure("TOOL_MISSING", "go"))
    assert reports.read(_line({"result": result, "failure": said}), MARK) == expected


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"plain\n",
        _line({"result": None}, "another"),
        b"\n\x1emark {\n",
        _line([]),
        _line(7),
        _line({"result": {"nonsense": 1}}),
        _line({"result": [1]}),
        _line({"result": {"modified_files": {"undo_ref": "\0"}}}),
        _line({"result": {"modified_files": {"undo_ref": "\ud800"}}}),
        _line({"result": {}, "failure": {"reason": "NONSENSE"}}),
    ],
)
def test_read_what_is_no_report_is_none(output: bytes) -> None:
    """A program of the room can print what it likes: nothing of it is a fault of ours."""
    assert reports.read(output, MARK) is None
