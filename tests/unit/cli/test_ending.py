"""How `session attach` says that a session ended."""

import pytest

from cli.attach import ending
from cli.attachment import Ended


@pytest.mark.parametrize(
    ("reason", "code", "signal", "said"),
    [
        ("EXIT", 3, None, "exit code 3"),
        ("SIGNAL", None, 9, "signal 9"),
        ("SHUTDOWN", None, 1, "shutdown, signal 1"),
        ("TIMED_OUT", 0, None, "timed out, exit code 0"),
        ("WORKSPACE_ARCHIVED", None, None, "workspace archived"),
        ("STOP_REASON_UNSPECIFIED", None, None, "lost"),
        ("", None, None, "lost"),
    ],
)
def test_ending_of_a_session_says_why(reason: str, code: int | None, signal: int | None, said: str) -> None:
    """A shell that did not end by itself is told from one that did."""
    assert ending(Ended("LOST", reason, code, signal, 0)) == f"The session ended: {said}."
