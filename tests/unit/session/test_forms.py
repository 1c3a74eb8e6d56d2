"""Logs as files: nothing is lost that the form can hold, and what was sent of a live log is not taken back."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis import ids
from services.session.history import forms
from services.session.history.domain import Format, Recording, Wish
from services.session.sessions.domain import Session
from services.session.sessions.log import Record, RecordType
from services.session.sessions.spec import Kind, SessionSpec
from tests.support import asciicast

NOW = datetime(2026, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
PIECES = st.sampled_from([b"\xc3", b"\xa9", b"\xf0\x9f\x92", b"\xa5", b"\xff", b"\r\n", b"a", b"\x1b[31m", b"\0"])
PARTS = st.lists(
    st.tuples(st.lists(PIECES, min_size=1, max_size=4).map(b"".join) | st.none(), st.integers(-(10**6), 10**8)),
    max_size=8,
)


def _recording(kind: Kind = Kind.TERMINAL) -> Recording:
    command = () if kind is Kind.TERMINAL else ("printf", "a b")
    spec = SessionSpec(
        ids.new(), ids.new(), kind, "" if command else "bash", command, None, "", {}, "", (), columns=80, rows=24
    )
    return Recording(Session.create(NOW, ids.new(), spec), 80, 24, 0)


def _records(parts: Sequence[tuple[bytes | None, int]]) -> list[Record]:
    records: list[Record] = []
    time, offset = NOW, 0
    for sequence, (data, microseconds) in enumerate(parts, 1):
        time += timedelta(microseconds=microseconds)
        if data is None:
            records.append(Record(sequence, offset, time, RecordType.RESIZE, columns=100, rows=30))
        else:
            records.append(Record(sequence, offset, time, RecordType.OUTPUT, data))
            offset += len(data)
    return records


def _file(kind: Format, records: Sequence[Record], recording: Recording, *, over: bool = True) -> bytes:
    form = forms.form_of(Wish(recording.session.session_id, kind, 0, timedelta(seconds=2)), recording)
    return form.begin() + b"".join(map(form.add, records)) + (form.end() if over else b"")


@settings(max_examples=200)
@given(PARTS)
def test_cast_of_any_records_holds_their_text_and_times(parts: list[tuple[bytes | None, int]]) -> None:
    """The text is that of all bytes decoded at once; times are exact but where a clock goes back."""
    records = _records(parts)
    cast = asciicast.read(_file(Format.CAST, records, _recording()))
    assert cast.output == b"".join(record.data for record in records).decode("utf-8", "replace")
    assert cast.data("r") == ["100x30"] * sum(data is None for data, _ in parts)
    latest = max([timedelta(), *(record.time - NOW for record in records)])
    assert all(event.time <= latest.total_seconds() + 1e-5 for event in cast.events)
    if records and records[-1].type is RecordType.RESIZE and all(passed >= 0 for _, passed in parts):
        assert cast.events[-1].time == pytest.approx(latest.total_seconds(), abs=1e-5)


@settings(max_examples=100)
@given(PARTS, st.sampled_from(Format), st.integers(0, 8))
def test_file_of_a_live_log_is_the_beginning_of_the_later_one(
    parts: list[tuple[bytes | None, int]], kind: Format, count: int
) -> None:
    """So a download that was cut, or made too early, goes on where it was."""
    records, recording = _records(parts), _recording()
    assert _file(kind, records, recording).startswith(_file(kind, records[:count], recording, over=False))


def test_cast_of_a_session_has_header_markers_and_exit() -> None:
    """Size, time and shell of the beginning; each new title once; the exit code at the end."""
    records = [
        Record(1, 0, NOW, RecordType.TITLE, b"vim"),
        Record(2, 0, NOW, RecordType.TITLE, b"vim"),
        Record(3, 0, NOW + timedelta(seconds=1.5), RecordType.OUTPUT, b"\xe2\x82"),
        Record(4, 2, NOW + timedelta(seconds=2), RecordType.EXIT, exit_signal=9),
    ]
    cast = asciicast.read(_file(Format.CAST, records, _recording()))
    assert cast.header == {
        "version": 3,
        "term": {"cols": 80, "rows": 24, "type": "xterm-256color"},
        "timestamp": int(NOW.timestamp()),
        "idle_time_limit": 2.0,
        "env": {"SHELL": "bash"},
    }
    assert [(event.code, event.data) for event in cast.events] == [("m", "vim"), ("o", "\ufffd"), ("x", "137")]


def test_cast_of_a_command_breaks_lines_as_a_terminal_would() -> None:
    """What a pipe carried has bare newlines, after which a player would not return to the left."""
    records = [Record(1, 0, NOW, RecordType.OUTPUT, b"a\nb\n")]
    cast = asciicast.read(_file(Format.CAST, records, _recording(Kind.COMMAND)))
    assert (cast.output, cast.header["command"]) == ("a\r\nb\r\n", "printf 'a b'")


@given(PARTS)
def test_ndjson_of_any_records_holds_every_byte(parts: list[tuple[bytes | None, int]]) -> None:
    """One line for each record, with its sequence and its bytes."""
    records = _records(parts)
    lines = [json.loads(line) for line in _file(Format.NDJSON, records, _recording()).splitlines()]
    assert [int(line["sequence"]) for line in lines] == [record.sequence for record in records]
    assert [base64.b64decode(line.get("data", "")) for line in lines] == [record.data for record in records]


def test_text_of_a_session_is_what_a_person_read() -> None:
    """Lines across records, with what was typed, corrected and painted; width counts from where it changed."""
    parts: list[tuple[bytes | None, int]] = [
        (b"$ makk\b \b\x1b[1;32me\x1b[0m te", 0),
        (b"st\r\n 1%\r 50%\r100%\r\n\r\n\xc3", 0),
        (b"\xa9t\xc3\xa9\x1b[2J\x1b[Htop\x1b[5;1Hbottom\r\n" + b"x" * 80 + b" \ry\r\n", 0),
        (None, 0),
        (b"x" * 99 + b"z \ry", 0),
    ]
    text = _file(Format.TEXT, _records(parts), _recording()).decode()
    assert text == f"$ make test\n100%\n\nété\ntop\nbottom\n{'x' * 80}y\n{'x' * 99}zy\n"
