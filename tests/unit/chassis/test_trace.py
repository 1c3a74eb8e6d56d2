"""Trace context: continued when it is sound, begun anew when it is not."""

import contextvars
import re
from contextlib import suppress

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


def test_continue_from_a_caller_that_wants_no_record_passes_that_on() -> None:
    """Whether a trace is recorded is decided where it begins."""
    assert _continued(CALLER[:-2] + "00").endswith("-00")


def test_spans_of_a_call_are_told_with_the_ids_that_travel() -> None:
    """The call's span has the caller's for a parent, and a part of it has the call's; what failed says so."""
    told: list[trace.Span] = []
    trace.record_with(told.append)
    try:
        contextvars.copy_context().run(_call_that_fails)
        trace.passed_on("0af7651916cd43dd8448eb211c80319c", "publish", trace.Kind.PRODUCER, 1)
        trace.passed_on("", "publish", trace.Kind.PRODUCER, 1)
        contextvars.Context().run(_look_for_work)
    finally:
        trace.record_with(None)
    part, call, published = told
    assert (call.name, call.kind, call.parent_id) == ("call", trace.Kind.SERVER, "b7ad6b7169203331")
    assert (part.name, part.kind, part.parent_id) == ("query", trace.Kind.CLIENT, call.traceparent[36:52])
    assert (part.failed, part.attributes) == (True, {"db.system.name": "postgresql"})
    assert {span.traceparent[3:35] for span in told} == {"0af7651916cd43dd8448eb211c80319c"}
    assert len({span.traceparent[36:52] for span in told}) == 3
    assert call.begin <= part.begin <= part.end <= call.end
    assert published.parent_id == ""


def _call_that_fails() -> None:
    with suppress(RuntimeError), trace.serving(CALLER, "call"), trace.part("query", **{"db.system.name": "postgresql"}):
        raise RuntimeError


def _look_for_work() -> None:
    with trace.part("sweep") as traceparent:
        assert traceparent == ""
