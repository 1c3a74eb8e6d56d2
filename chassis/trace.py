"""Trace context of the work at hand, carried from REST through gRPC and change events (W3C Trace Context)."""

import os
import re
from contextvars import ContextVar

HEADER = "traceparent"

_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_current: ContextVar[str] = ContextVar("traceparent", default="")


def continue_from(traceparent: str | None) -> str:
    """Begin a span of the caller's trace, or a trace of its own; it is current from here on.

    Returns:
        The new `traceparent`: the caller's trace id with a fresh span id.
    """
    match = _FORM.fullmatch(traceparent or "")
    trace_id = match.group(1) if match and set(match.group(1)) != {"0"} else os.urandom(16).hex()
    value = f"00-{trace_id}-{os.urandom(8).hex()}-01"
    _current.set(value)
    return value


def follow(trace_id: str) -> str:
    """Begin a span of the trace in which a change was made, for work that the change causes.

    Returns:
        The new `traceparent`; of a trace of its own when the change carries none.
    """
    return continue_from(f"00-{trace_id}-{os.urandom(8).hex()}-01" if trace_id else None)


def current() -> str:
    """Return the current `traceparent`, empty outside any work."""
    return _current.get()


def trace_id() -> str:
    """Return the current trace id, 32 hexadecimal digits, empty outside any work."""
    return _current.get()[3:35]
