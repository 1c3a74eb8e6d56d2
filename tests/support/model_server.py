"""A server that answers as language models do, in either protocol, by a script and in small pieces."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any

from chassis import ids

Said = dict[str, Any]


class ModelServer:
    """Answers requests in turn with what the script says, the last of it again and again.

    An answer of the script has `text`, `calls` (name and JSON text of the arguments), `stop` and `status`; without
    `stop` it ends well, and with an empty one it breaks off. `events` are sent as they are.
    """

    def __init__(self, *script: Said) -> None:
        self.script = list(script)
        self.asked: list[tuple[str, dict[str, str], Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest if line)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.asked.append((first.split()[1], headers, body))
        said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        writer.write(f"HTTP/1.1 {said.get('status', '200 OK')}\r\nConnection: close\r\n\r\n".encode())
        events = _openai(said) if first.split()[1].endswith("/chat/completions") else _anthropic(said)
        if "events" in said:
            events = (f"data: {json.dumps(event)}\n\n" for event in said["events"])
        for event in events if "status" not in said else [json.dumps({"error": said.get("text", "no")})]:
            writer.write(event.encode())
            await writer.drain()
        writer.close()


def _pieces(text: str) -> Sequence[str]:
    return [text[at : at + 5] for at in range(0, len(text), 5)]


def _openai(said: Said) -> Iterator[str]:
    def chunk(delta: Said, stop: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": stop}
        return f"data: {json.dumps({'model': 'fake-1', 'choices': [choice]})}\n\n"

    for piece in _pieces(said.get("text", "")):
        yield chunk({"content": piece})
    for index, (name, arguments) in enumerate(said.get("calls", ())):
        call = {"index": index, "id": f"call-{ids.new().hex}", "function": {"name": name, "arguments": ""}}
        yield chunk({"tool_calls": [call]})
        for piece in _pieces(arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    if stop := said.get("stop", "tool_calls" if "calls" in said else "stop"):
        yield chunk({}, stop)
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        yield f"data: {json.dumps({'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n"


def _anthropic(said: Said) -> Iterator[str]:
    def event(kind: str, **content: Any) -> str:
        return f"event: {kind}\ndata: {json.dumps({'type': kind} | content)}\n\n"

    yield event("message_start", message={"model": "fake-1", "usage": {"input_tokens": 100, "output_tokens": 1}})
    yield event("ping")
    blocks = [({"type": "text", "text": ""}, "text_delta", "text", said.get("text", ""))]
    blocks += [
        (
            {"type": "tool_use", "id": f"call-{ids.new().hex}", "name": name},
            "input_json_delta",
            "partial_json",
            arguments,
        )
        for name, arguments in said.get("calls", ())
    ]
    for index, (block, kind, field, content) in enumerate(blocks):
        yield event("content_block_start", index=index, content_block=block)
        for piece in _pieces(content):
            yield event("content_block_delta", index=index, delta={"type": kind, field: piece})
        yield event("content_block_stop", index=index)
    if stop := said.get("stop", "tool_use" if "calls" in said else "end_turn"):
        yield event("message_delta", delta={"stop_reason": stop}, usage={"output_tokens": 10})
        yield event("message_stop")
