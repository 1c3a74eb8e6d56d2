"""Answers that come in parts, as server-sent events."""

import json
from collections.abc import AsyncIterator
from typing import Any

from services.execution.llm.talk import BadAnswer

LONGEST = 1024 * 1024
"""Bytes of one event."""
ALL = 16 * 1024 * 1024
"""Bytes of an answer."""


async def events(parts: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """Yield what the events of a stream say. BadAnswer for what is none, or too much."""
    rest, size = b"", 0
    async for part in parts:
        size += len(part)
        *lines, rest = (rest + part).split(b"\n")
        if len(rest) > LONGEST or size > ALL:
            msg = "the answer is too large"
            raise BadAnswer(msg)
        for line in lines:
            data = line.removeprefix(b"data:").strip()
            if line.startswith(b"data:") and data != b"[DONE]":
                yield _event(data)


def _event(data: bytes) -> dict[str, Any]:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError) as exc:
        msg = "a part of the answer is no JSON"
        raise BadAnswer(msg) from exc
    if not isinstance(event, dict):
        msg = "a part of the answer is no object"
        raise BadAnswer(msg)
    return event
