"""The protocol of OpenAI's chat completions, which most endpoints speak."""

import json
from collections.abc import Mapping
from typing import Any

from services.execution.definitions.domain import Llm
from services.execution.llm.talk import Answer, BadAnswer, Message, count_of, system_of


class OpenAi:
    """Writes requests for chat completions and reads their chunks."""

    url = "https://api.openai.com/v1"
    path = "/chat/completions"
    cut_off = "length"

    def headers(self, key: str) -> dict[str, str]:
        """Return the headers that show a key."""
        return {"Authorization": f"Bearer {key}"}

    def body(self, llm: Llm, messages: list[Message]) -> dict[str, Any]:
        """Return what is asked."""
        told = [{"role": "system", "content": system_of(llm)}] if system_of(llm) else []
        body: dict[str, Any] = {
            "model": llm.model,
            "messages": [*told, *map(_message, messages)],
            "max_tokens": llm.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if llm.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.parameters) or {"type": "object"},
                    },
                }
                for tool in llm.tools
            ]
        if llm.output_schema is not None:
            schema = {"name": "answer", "schema": dict(llm.output_schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def read(self, event: Mapping[str, Any], answer: Answer) -> str:
        """Take a chunk; returns the text in it. BadAnswer."""
        if "error" in event:
            raise BadAnswer(str(event["error"])[:300])
        answer.model = str(event.get("model") or answer.model)
        if usage := event.get("usage"):
            answer.input_tokens = count_of(usage["prompt_tokens"])
            answer.output_tokens = count_of(usage["completion_tokens"])
        text = ""
        for choice in event.get("choices") or ():
            delta = choice.get("delta") or {}
            text += delta.get("content") or ""
            for part in delta.get("tool_calls") or ():
                _add(answer, part)
            answer.stop = choice.get("finish_reason") or answer.stop
        return text


def _add(answer: Answer, part: Mapping[str, Any]) -> None:
    call = answer.calls.setdefault(int(part.get("index", 0)), {"id": "", "name": "", "arguments": ""})
    said = part.get("function") or {}
    call["id"] = str(part.get("id") or call["id"])
    call["name"] += said.get("name") or ""
    call["arguments"] += said.get("arguments") or ""


def _message(message: Message) -> dict[str, Any]:
    if message["role"] == "tool":
        return {"role": "tool", "tool_call_id": message["id"], "content": message["text"]}
    written: dict[str, Any] = {"role": message["role"], "content": message["text"]}
    if calls := message.get("calls"):
        written["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": json.dumps(call["arguments"])},
            }
            for call in calls
        ]
    return written
