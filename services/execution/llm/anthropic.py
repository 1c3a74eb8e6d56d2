"""The protocol of Anthropic's messages."""

import json
from collections.abc import Mapping
from typing import Any

from services.execution.definitions.domain import Llm
from services.execution.llm.talk import Answer, BadAnswer, Message, count_of, system_of


class Anthropic:
    """Writes requests for messages and reads their events."""

    url = "https://api.anthropic.com"
    path = "/v1/messages"
    cut_off = "max_tokens"

    def headers(self, key: str) -> dict[str, str]:
        """Return the headers that show a key."""
        return {"x-api-key": key}

    def body(self, llm: Llm, messages: list[Message]) -> dict[str, Any]:
        """Return what is asked. It has no field for a schema that all its endpoints know, so the schema is told."""
        body: dict[str, Any] = {"model": llm.model, "max_tokens": llm.max_tokens, "stream": True}
        system = system_of(llm)
        if llm.output_schema is not None:
            system += f"\n\nThe JSON Schema of the answer: {json.dumps(llm.output_schema)}"
        if system:
            body["system"] = system
        if llm.tools:
            body["tools"] = [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": {"type": "object", **tool.parameters},
                }
                for tool in llm.tools
            ]
        return body | {"messages": _messages(messages)}

    def read(self, event: Mapping[str, Any], answer: Answer) -> str:
        """Take an event; returns the text in it. BadAnswer."""
        match event.get("type"):
            case "message_start":
                answer.model = str(event["message"].get("model", ""))
                _count(answer, event["message"].get("usage") or {})
            case "content_block_start" if event["content_block"]["type"] == "tool_use":
                block = event["content_block"]
                answer.calls[int(event["index"])] = {
                    "id": str(block["id"]),
                    "name": str(block["name"]),
                    "arguments": "",
                }
            case "content_block_delta":
                delta = event["delta"]
                if delta["type"] == "input_json_delta":
                    answer.calls[int(event["index"])]["arguments"] += delta["partial_json"]
                return str(delta["text"]) if delta["type"] == "text_delta" else ""
            case "message_delta":
                answer.stop = event["delta"].get("stop_reason") or answer.stop
                _count(answer, event.get("usage") or {})
            case "error":
                raise BadAnswer(str(event.get("error"))[:300])
        return ""


def _count(answer: Answer, usage: Mapping[str, Any]) -> None:
    """Take what was used so far: each event says all of it, as far as it says it."""
    if "input_tokens" in usage:
        names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
        answer.input_tokens = sum(count_of(usage.get(name) or 0) for name in names)
    answer.output_tokens = count_of(usage.get("output_tokens") or answer.output_tokens)


def _messages(messages: list[Message]) -> list[dict[str, Any]]:
    """Return messages as they are written there: all results of tools of one turn are one message of the user."""
    written: list[dict[str, Any]] = []
    for message in messages:
        content = _content(message)
        if message["role"] == "tool" and written[-1]["role"] == "user":
            written[-1]["content"] += content
        else:
            written.append({"role": "user" if message["role"] == "tool" else message["role"], "content": content})
    return written


def _content(message: Message) -> list[dict[str, Any]]:
    if message["role"] == "tool":
        result = {"type": "tool_result", "tool_use_id": message["id"], "content": message["text"]}
        return [result | {"is_error": message["failed"]}]
    text = [{"type": "text", "text": message["text"]}] if message["text"] else []
    calls = [
        {"type": "tool_use", "id": call["id"], "name": call["name"], "input": call["arguments"]}
        for call in message.get("calls", ())
    ]
    return [*text, *calls]
