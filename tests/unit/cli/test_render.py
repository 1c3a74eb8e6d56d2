"""Printing what others wrote."""

import json

import pytest

from cli.render import Output, visible


def test_visible_escape_sequence_is_written_out() -> None:
    """A name cannot steer the terminal it is listed in."""
    assert visible("red\x1b[31m\x07\x9b2J\r\n") == "red\\x1b[31m\\x07\\x9b2J\\x0d\\x0a"


def test_visible_turned_text_is_written_out() -> None:
    """Marks that turn the direction of text cannot disguise a name."""
    assert visible("exe\u202egpj") == "exe\\u202egpj"


def test_visible_letters_of_all_scripts_stay() -> None:
    """Text is text."""
    assert visible("żółć 漢字 🙂") == "żółć 漢字 🙂"


def test_rows_as_json_are_one_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read a line at a time, and no raw control character reaches them."""
    Output(as_json=True, colour=False).rows([{"name": "a\x1b[2J"}, {"name": "b"}], {"name": "NAME"})
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["a\x1b[2J", "b"]
    assert "\x1b" not in "".join(lines)


def test_rows_for_people_end_times_with_the_second(capsys: pytest.CaptureFixture[str]) -> None:
    """A table is read by eye."""
    Output(as_json=False, colour=False).rows([{"time": "2026-01-02T03:04:05.678901Z"}], {"time": "TIME"})
    assert capsys.readouterr().out.splitlines()[1].strip() == "2026-01-02 03:04:05"


def test_rows_for_people_show_lists_with_commas(capsys: pytest.CaptureFixture[str]) -> None:
    """Not as a programming language writes them."""
    Output(as_json=False, colour=False).rows([{"scopes": ["a.read", "b.write"]}], {"scopes": "SCOPES"})
    assert capsys.readouterr().out.splitlines()[1].strip() == "a.read, b.write"


def test_rows_for_people_show_escape_sequences_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    """A table holds no raw control character either."""
    Output(as_json=False, colour=False).rows([{"name": "a\x1b[2J"}], {"name": "NAME"})
    assert "a\\x1b[2J" in capsys.readouterr().out


def test_resource_for_people_leaves_out_what_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    """A field without a value is no line, and lines end with their value."""
    resource = {"name": "a", "stopReason": "STOP_REASON_UNSPECIFIED", "branch": "", "exitCode": 0, "logComplete": False}
    Output(as_json=False, colour=False).resource(resource, ("name", "stopReason", "branch", "exitCode", "logComplete"))
    assert capsys.readouterr().out.splitlines() == ["name          a", "exit code     0", "log complete  no"]
