"""What agents tell, whatever its form, becomes events that fit into a log."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.agents import opening, telling
from runner.agents.journal import MAXIMUM_EVENT
from runner.agents.state import AgentState
from runner.agents.telling import Telling

FILES = Path("/room/files")
KINDS = ("agent_message_chunk", "agent_thought_chunk", "tool_call", "plan", "usage_update", "config_option_update")
NAMES = (
    *("content", "text", "toolCallId", "title", "locations", "path", "line", "entries", "type", "diff", "oldText"),
    *("newText", "options", "configOptions", "modes", "availableModes", "id", "name", "value", "currentValue", "used"),
    *("category", "cost", "rawInput", "data", "resource", "sessionId", "protocolVersion", "agentCapabilities"),
)
TEXTS = st.one_of(
    st.text(max_size=5), st.sampled_from(["\ud800", "\0", "x" * 70_000, "😀" * 17_000, "diff", "terminal", "mode"])
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.just(1 << 80), st.floats(), TEXTS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.sampled_from(KINDS))
def test_update_of_any_form_becomes_events_that_fit(facts: dict[str, Any], kind: str) -> None:
    """Nothing that an agent can write as JSON raises, or makes a record that the log refuses."""
    for event in Telling(FILES).events(facts | {"sessionUpdate": kind}):
        assert len(event.SerializeToString()) <= MAXIMUM_EVENT


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.sampled_from(["initialize", "new", "load"]))
def test_answer_of_any_form_is_a_step_or_a_fault(facts: dict[str, Any], kind: str) -> None:
    """The way to a conversation goes on or ends with a sentence."""
    step = opening.next_step(AgentState("id"), kind, facts, "")
    assert step.asks or step.ready is not None or step.fault
    assert len(opening.complaint(facts)) < 1000
    telling.options(facts.get("options"))


def test_diff_of_a_large_file_shows_the_lines_that_differ() -> None:
    """An agent tells the whole file twice; a log has what changed, and where."""
    lines = [f"line {number}\n" for number in range(10_000)]
    changed = [*lines[:5000], "new\n", *lines[5001:]]
    part = {"type": "diff", "path": "/room/files/a/b.py", "oldText": "".join(lines), "newText": "".join(changed)}
    (event,) = Telling(FILES).events({"sessionUpdate": "tool_call", "toolCallId": "1", "content": [part]})
    diff = event.tool_call.content[0].diff
    assert (diff.path, diff.line, diff.old_text, diff.new_text) == ("a/b.py", 5001, "line 5000\n", "new\n")
    assert not diff.truncated


def test_diff_that_is_too_large_is_cut_and_says_so() -> None:
    """The sides share the room of the event; a part for which there is none is counted."""
    diff = {"type": "diff", "path": "a", "oldText": "small\n", "newText": "x" * 100_000}
    text = {"type": "content", "content": {"type": "text", "text": "y" * 20_000}}
    (event,) = Telling(FILES).events({"sessionUpdate": "tool_call", "toolCallId": "1", "content": [diff, text, text]})
    shown = event.tool_call.content[0].diff
    assert (shown.old_text, shown.truncated) == ("small\n", True)
    assert len(shown.new_text) > 40_000
    assert event.tool_call.omitted_contents + len(event.tool_call.content) == 3
    assert len(event.SerializeToString()) <= MAXIMUM_EVENT


def test_diffs_of_one_tool_call_share_the_room() -> None:
    """What a log can have of a second one, it has."""
    diff = {"type": "diff", "path": "a", "oldText": "", "newText": "x" * 30_000}
    (event,) = Telling(FILES).events({"sessionUpdate": "tool_call", "toolCallId": "1", "content": [diff, diff]})
    first, second = (content.diff for content in event.tool_call.content)
    assert (len(first.new_text), first.truncated) == (30_000, False)
    assert second.truncated
    assert len(second.new_text) > 10_000


def test_settings_of_an_agent_with_many_models_fit() -> None:
    """Its choices are cut, its settings stay."""
    choices = [{"value": f"vendor/model-{number}", "name": "M" * 100} for number in range(2000)]
    option = {"id": "m", "category": "model", "type": "select", "currentValue": "vendor/model-7", "options": choices}
    (setting,) = telling.settings({"configOptions": [option]})
    assert (setting.setting_id, setting.value) == ("model", "vendor/model-7")
    assert 0 < setting.ByteSize() < 40 * 1024
