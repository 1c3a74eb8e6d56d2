"""Trace context: continued when it is sound, begun anew when it is not."""

import contextvars
import re

import pytest

from chassis import trace

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _continued(traceparent: str | None) -> str:
    return contextvars.copy_context().run(trace.continue_from, traceparent)


def test_continue_from_a_caller_keeps_the_trace_and_makes_a_span() -> None:
    """Trace id stays, span id is new."""
    version, trace_id, span_id, _ = _continued(CALLER).split("-")
    assert (version, trace_id) == ("00", "0af7651916cd43dd8448eb211c80319c")
    assert re.fullmatch("[0-9a-f]{16}", span_id)
    assert span_id != "b7ad6b7169203331"


@pytest.mark.parametrize(
    "sent",
    [None, "", "garbage", "00-" + "0" * 32 + "-b7ad6b7169203331-01", CALLER.upper(), CALLER + "\n", "01" + CALLER[2:]],
)
def test_continue_from_garbage_begins_a_trace(sent: str | None) -> None:
    """What is not a W3C trace context is ignored."""
    value = _continued(sent)
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", value)
    assert "0af7651916cd43dd8448eb211c80319c" not in value


def test_trace_id_outside_any_work_is_empty() -> None:
    """Nothing is current before something began."""
    context = contextvars.Context()
    assert context.run(trace.current) == ""
    assert context.run(trace.trace_id) == ""
    context.run(trace.continue_from, CALLER)
    assert context.run(trace.trace_id) == "0af7651916cd43dd8448eb211c80319c"
