"""Events as they are written: without secrets, and never larger than a log takes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from stateroom.agent.v1 import agent_event_pb2 as pb
from stateroom.agent.v1 import tool_call_pb2

from runner.agents.journal import MAXIMUM_EVENT, Journal
from runner.spool import Spool

TEXT = "secret" * 2000


def _masked(text: str) -> str:
    return text.replace("secret", f"[secret {'N' * 60}]")


async def _written(folder: Path, event: pb.AgentEvent) -> pb.AgentEvent:
    """Return an event as the log has it, of a session whose one secret is shown by a long name."""
    with ThreadPoolExecutor(1) as executor:
        spool = Spool.create(folder, executor, 1 << 20)
        Journal("session", spool, _masked, lambda _: None).write(event)
        (record,) = await spool.read(0)
    return pb.AgentEvent.FromString(record.body)


async def test_permission_request_that_masking_makes_too_large_loses_content_and_is_asked(tmp_path: Path) -> None:
    """Or the agent would wait for an answer to a question that nobody ever saw."""
    content = [tool_call_pb2.ToolCall.Content(text=TEXT) for _ in range(3)]
    asked = pb.PermissionRequest(permission_id="1", tool_call=tool_call_pb2.ToolCall(content=content))
    event = await _written(tmp_path / "spool", pb.AgentEvent(permission_request=asked))
    call = event.permission_request.tool_call
    assert event.permission_request.permission_id == "1"
    assert (len(call.content), call.omitted_contents) == (0, 3)


@pytest.mark.parametrize("kind", ["message", "thought"])
async def test_event_that_masking_makes_too_large_becomes_a_fault_that_says_so(tmp_path: Path, kind: str) -> None:
    """A log takes no event of any size."""
    event = await _written(tmp_path / "spool", pb.AgentEvent(**{kind: pb.Chunk(text=TEXT)}))  # type: ignore[arg-type]  # a field's name
    assert "left out" in event.fault.message
    assert event.ByteSize() <= MAXIMUM_EVENT
