"""A reader of asciicast v3 that follows the published rules and shares nothing with what writes it."""

import json
import re
from dataclasses import dataclass
from typing import Any

_RESIZE = re.compile(r"[1-9][0-9]*x[1-9][0-9]*")
_EXIT = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened `time` seconds after the beginning."""

    time: float
    code: str
    data: str


@dataclass(frozen=True, slots=True)
class Cast:
    """A recording."""

    header: dict[str, Any]
    events: list[Event]

    def data(self, code: str) -> list[str]:
        """Return the data of the events with a code."""
        return [event.data for event in self.events if event.code == code]

    @property
    def output(self) -> str:
        """All that was printed."""
        return "".join(self.data("o"))


def read(file: bytes) -> Cast:
    """Return what a file holds. AssertionError where it breaks a rule."""
    first, *lines = file.decode("utf-8").split("\n")
    assert lines.pop() == "", "the last line is not ended"
    header = json.loads(first)
    _check_header(header)
    time, events = 0.0, list[Event]()
    for line in lines:
        if line.startswith("#"):
            continue
        interval, code, data = json.loads(line)
        assert type(interval) in {int, float}
        assert interval >= 0
        assert re.fullmatch("[orimx]", code)
        assert isinstance(data, str)
        assert code != "r" or _RESIZE.fullmatch(data)
        assert code != "x" or _EXIT.fullmatch(data)
        assert not any(event.code == "x" for event in events), "something follows the end"
        time += interval
        events.append(Event(time, code, data))
    return Cast(header, events)


def _check_header(header: Any) -> None:
    assert header["version"] == 3
    assert all(type(header["term"][name]) is int and header["term"][name] > 0 for name in ("cols", "rows"))
    assert type(header.get("timestamp", 0)) is int
    assert type(header.get("idle_time_limit", 1.0)) in {int, float}
    assert isinstance(header.get("command", ""), str)
    assert all(isinstance(value, str) for value in header.get("env", {}).values())
