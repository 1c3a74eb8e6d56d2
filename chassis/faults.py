"""Named places between two steps, where a test makes a process die, stop, or find its disk full.

A module declares its places and passes them:

    _AFTER_PUBACK = faults.Point("relay.after_puback", "The broker has the changes, and nobody has noted that.")
    ...
    _AFTER_PUBACK.reach()

The setting FAULT arms one: `relay.after_puback:3:kill` acts when the place is reached for the third time,
`runner.before_spool:2-4:enospc` from the second to the fourth. Without it a place costs one comparison.
"""

import errno
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_FORM = re.compile(r"(?P<name>[a-z_.]+):(?P<first>[1-9]\d*)(?:-(?P<last>[1-9]\d*))?:(?P<action>[a-z]+)")


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _fill_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


ACTIONS: Mapping[str, Callable[[], None]] = {"kill": _kill, "stop": _stop, "enospc": _fill_disk}
"""What can happen at a place: SIGKILL, SIGSTOP, or OSError with ENOSPC."""


@dataclass(slots=True)
class _Fault:
    """What happens when a place is reached for the `first` to the `last` time."""

    first: int
    last: int
    action: str
    passes: int = 0


class Point:
    """A place in the code, declared once. `meaning` says what has happened there and what has not."""

    def __init__(self, name: str, meaning: str) -> None:
        if name in POINTS:
            msg = f"two places are called {name}"
            raise ValueError(msg)
        self.name = name
        self.meaning = meaning
        self._fault: _Fault | None = None
        POINTS[name] = self

    def reach(self) -> None:
        """Pass the place; what FAULT says of it happens now. It is written to standard error first."""
        fault = self._fault
        if fault is None:
            return
        fault.passes += 1
        if fault.first <= fault.passes <= fault.last:
            sys.stderr.write(f"fault: {self.name}:{fault.passes}:{fault.action}\n")
            sys.stderr.flush()
            ACTIONS[fault.action]()

    def arm(self, fault: _Fault) -> None:
        """Have something happen here."""
        self._fault = fault


POINTS: dict[str, Point] = {}
"""The places of all modules that are imported, by name."""


def arm(text: str) -> None:
    """Arm what the setting FAULT says, nothing when it is empty. ValueError as for `check`."""
    if text:
        point, fault = _parse(text)
        point.arm(fault)


def check(text: str) -> None:
    """Raise ValueError, for a validator, when this process has no such place or knows no such action."""
    if text:
        _parse(text)


def _parse(text: str) -> tuple[Point, _Fault]:
    match = _FORM.fullmatch(text)
    if match is None or match["action"] not in ACTIONS:
        msg = f"must be place:pass:action or place:first-last:action, where the action is {', '.join(ACTIONS)}"
        raise ValueError(msg)
    if match["name"] not in POINTS:
        msg = f"this process has no place {match['name']!r}, but {', '.join(sorted(POINTS))}"
        raise ValueError(msg)
    first = int(match["first"])
    return POINTS[match["name"]], _Fault(first, int(match["last"] or first), match["action"])
