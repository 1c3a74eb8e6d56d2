"""Trace context of the work at hand, carried from REST through gRPC and change events (W3C Trace Context).

Ids are made here and nowhere else. Where somebody records spans, what begins here is told when it ends, under the ids
that travelled; where nobody does, only the ids travel.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum

from typing_extensions import override

HEADER = "traceparent"

_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_NOBODY = "0" * 16
_current: ContextVar[str] = ContextVar("traceparent", default="")


class Kind(Enum):
    """Which side of which kind of work a span is (OpenTelemetry's names)."""

    SERVER = "SERVER"
    CLIENT = "CLIENT"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"


@dataclass(slots=True)
class Span:
    """A piece of work: `parent_id` is 16 hexadecimal digits, empty for none; times are Unix nanoseconds.

    `failed` is for faults of whoever did the work, not for what its caller did wrong.
    """

    name: str
    kind: Kind
    traceparent: str
    parent_id: str
    begin: int
    end: int = 0
    failed: bool = False
    attributes: dict[str, str] = field(default_factory=dict)


_record: Callable[[Span], None] | None = None


def record_with(record: Callable[[Span], None] | None) -> None:
    """Tell every span of this process that ends, to one listener; None for nobody."""
    global _record  # noqa: PLW0603  # one process, one recorder
    _record = record


def continue_from(traceparent: str | None) -> str:
    """Begin a span of the caller's trace, or a trace of its own; it is current from here on.

    Returns:
        The new `traceparent`: the caller's trace id and flags with a fresh span id.
    """
    match = _FORM.fullmatch(traceparent or "")
    sound = match and set(match.group(1)) != {"0"}
    trace_id, flags = (match.group(1), match.group(3)) if match and sound else (os.urandom(16).hex(), "01")
    value = f"00-{trace_id}-{os.urandom(8).hex()}-{flags}"
    _current.set(value)
    return value


def follow(trace_id: str) -> str:
    """Begin a span of the trace in which a change was made, for work that the change causes.

    Returns:
        The new `traceparent`; of a trace of its own when the change carries none.
    """
    return continue_from(_of(trace_id) if trace_id else None)


def current() -> str:
    """Return the current `traceparent`, empty outside any work."""
    return _current.get()


def trace_id() -> str:
    """Return the current trace id, 32 hexadecimal digits, empty outside any work."""
    return _current.get()[3:35]


@contextmanager
def serving(traceparent: str | None, name: str) -> Iterator[Span]:
    """Do the work of the block for a caller: continue its trace, and record that. The block may say more of it."""
    span = Span(name, Kind.SERVER, continue_from(traceparent), "", time.time_ns())
    try:
        yield span
    finally:
        served(span, traceparent)


def served(span: Span, caller: str | None) -> None:
    """Record what was done for a caller, which sent its `traceparent` or none."""
    if caller and caller[3:35] == span.traceparent[3:35]:
        span.parent_id = caller[36:52]
    _tell(span)


def part(name: str, **attributes: str) -> AbstractContextManager[str]:
    """Do a part of the current work that another process does for us. Gives the `traceparent` to send to it.

    What belongs to no work, such as looking for some, is not recorded.
    """
    return _UNRECORDED if _record is None or not _current.get() else _part(name, attributes)


@contextmanager
def _part(name: str, attributes: dict[str, str]) -> Iterator[str]:
    traceparent = _current.get()
    span = Span(name, Kind.CLIENT, _child(traceparent), traceparent[36:52], time.time_ns(), attributes=attributes)
    try:
        yield span.traceparent
    except Exception:
        span.failed = True
        raise
    finally:
        _tell(span)


class _Unrecorded(AbstractContextManager[str]):
    """Costs next to nothing, which every transaction and call pays."""

    @override
    def __enter__(self) -> str:
        return _current.get()

    @override
    def __exit__(self, *_: object) -> None:
        return None


_UNRECORDED = _Unrecorded()


def begin_part(name: str, traceparent: str) -> Span | None:
    """Begin what `part` does, of any work, for an end that is not that of a block; None where nobody records."""
    if _record is None or not traceparent:
        return None
    return Span(name, Kind.CLIENT, _child(traceparent), traceparent[36:52], time.time_ns())


def end_part(span: Span) -> None:
    """Record what `begin_part` began."""
    _tell(span)


def passed_on(trace_id: str, name: str, kind: Kind, begin: int) -> None:
    """Record that a change of a trace was published or applied just now, from `begin` (Unix nanoseconds) on."""
    if _record is not None and trace_id:
        _record(Span(name, kind, _child(_of(trace_id)), "", begin, time.time_ns()))


def is_recorded() -> bool:
    """Whether anybody wants to know of spans."""
    return _record is not None


def _tell(span: Span) -> None:
    span.end = time.time_ns()
    if _record is not None:
        _record(span)


def _of(trace_id: str) -> str:
    return f"00-{trace_id}-{os.urandom(8).hex()}-01"


def _child(traceparent: str) -> str:
    return f"{traceparent[:36]}{os.urandom(8).hex()}{traceparent[52:]}"
