"""What an agent tells, as events: its JSON is cut where it is long, and never trusted to have a form."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from stateroom.agent.v1 import agent_event_pb2 as pb
from stateroom.agent.v1 import tool_call_pb2

_CHUNK = 8 * 1024  # characters of what an agent says in one event, of up to 4 bytes each; more becomes several
_TEXT = 16 * 1024  # bytes of a text that a tool made
_CONTENTS = 8  # parts of a tool call's content that are kept
_LOCATIONS = 16
_ENTRIES = 64
_SHORT, _INPUT, _OTHER = 1024, 4 * 1024, 16 * 1024
_ROOM = 44 * 1024  # bytes that all parts of a tool call's content may take, or all choices of an agent's settings
_PATH = 256
_PART = 2 * 1024  # bytes that a part may take beside its text


def text_of(value: object, limit: int) -> str:
    """Return a value as text of at most `limit` bytes, which every reader can decode; empty for what is no text."""
    if not isinstance(value, str):
        return ""
    return value[:limit].encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def items(value: object) -> list[Mapping[str, Any]]:
    """Return those of a list's items that are objects."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def fields(value: object) -> Mapping[str, Any]:
    """Return an object; an empty one for what is none."""
    return value if isinstance(value, dict) else {}


def number(value: object) -> int:
    """Return a whole number that fits into 64 bits; 0 for what is none."""
    return value if isinstance(value, int) and -(1 << 63) <= value < 1 << 63 else 0


class Telling:
    """Turns the updates of one agent into events. Paths are shown relative to `files` where they lie in it."""

    def __init__(self, files: Path) -> None:
        self.files = files

    def events(self, update: Mapping[str, Any], *, replayed: bool = False) -> Iterable[pb.AgentEvent]:
        """Return the events that an update stands for."""
        kind = update.get("sessionUpdate")
        if kind in ("agent_message_chunk", "user_message_chunk"):
            chunks = _chunks(update, replayed=replayed, from_person=kind == "user_message_chunk")
            return [pb.AgentEvent(message=chunk) for chunk in chunks]
        if kind == "agent_thought_chunk":
            return [pb.AgentEvent(thought=chunk) for chunk in _chunks(update, replayed=replayed)]
        if kind in ("tool_call", "tool_call_update"):
            return [pb.AgentEvent(tool_call=self.tool_call(update))]
        if kind == "plan":
            return [pb.AgentEvent(plan=_plan(update))]
        if kind == "usage_update":
            return [pb.AgentEvent(usage=_context(update))]
        return [pb.AgentEvent(other=pb.Other(kind=text_of(kind, 100), json=_json(update, _OTHER)))]

    def tool_call(self, told: Mapping[str, Any]) -> tool_call_pb2.ToolCall:
        """Return the use of a tool."""
        parts = items(told.get("content"))
        shown = list(self._contents(parts))
        return tool_call_pb2.ToolCall(
            tool_call_id=text_of(told.get("toolCallId"), 200),
            title=text_of(told.get("title"), _SHORT),
            kind=text_of(told.get("kind"), 50),
            status=text_of(told.get("status"), 50),
            content=shown,
            omitted_contents=len(parts) - len(shown),
            locations=[
                tool_call_pb2.ToolCall.Location(
                    path=text_of(self.shown_path(place.get("path")), _PATH),
                    line=max(0, min(number(place.get("line")), 1 << 30)),
                )
                for place in items(told.get("locations"))[:_LOCATIONS]
            ],
            input_json=_json(told["rawInput"], _INPUT) if told.get("rawInput") is not None else "",
        )

    def shown_path(self, path: object) -> str:
        """Return a path as people know it."""
        shown = text_of(path, _SHORT)
        return shown.removeprefix(f"{self.files}/")

    def _contents(self, parts: Sequence[Mapping[str, Any]]) -> Iterable[tool_call_pb2.ToolCall.Content]:
        """Return the first parts, and of those what there is room for: a log does not take a part of any size."""
        room = _ROOM
        for part in parts[:_CONTENTS]:
            content = self._content(part, max(0, room - _PART))
            if content.ByteSize() <= room:
                room -= content.ByteSize()
                yield content

    def _content(self, part: Mapping[str, Any], room: int) -> tool_call_pb2.ToolCall.Content:
        if part.get("type") == "diff":
            return tool_call_pb2.ToolCall.Content(diff=self._diff(part, room))
        if part.get("type") == "terminal":
            return tool_call_pb2.ToolCall.Content(terminal_session_id=text_of(part.get("terminalId"), 36))
        block = fields(part.get("content"))
        said = text_of(block.get("text"), min(_TEXT, room))
        truncated = said != text_of(block.get("text"), sys.maxsize)
        return tool_call_pb2.ToolCall.Content(text=said or _omitted(block), truncated=truncated)

    def _diff(self, part: Mapping[str, Any], room: int) -> tool_call_pb2.Diff:
        """Return the lines that differ, as far as there is room: an agent tells the whole file twice."""
        old, new = part.get("oldText"), str(part.get("newText") or "")
        before, after = str(old or "").splitlines(keepends=True), new.splitlines(keepends=True)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
        rest = zip(reversed(before[same:]), reversed(after[same:]), strict=False)
        tail = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], rest))
        removed, added = (text_of("".join(lines[same : len(lines) - tail]), sys.maxsize) for lines in (before, after))
        old_room = max(room // 2, room - len(added.encode()))
        shown = text_of(removed, old_room)
        diff = tool_call_pb2.Diff(path=self.shown_path(part.get("path")), line=same + 1)
        diff.new_text = text_of(added, room - len(shown.encode()))
        if isinstance(old, str):
            diff.old_text = shown
        diff.truncated = (shown, diff.new_text) != (removed, added)
        return diff


def settings(told: Mapping[str, Any]) -> list[pb.Setting]:
    """Return what can be set, of an answer to `session/new` or an update; the mode is an option in newer agents."""
    found = [_option(option) for option in items(told.get("configOptions"))[:_LOCATIONS]]
    modes = fields(told.get("modes"))
    if modes and not any(setting.setting_id == "mode" for setting in found):
        choices = [_choice(mode.get("id"), mode.get("name")) for mode in items(modes.get("availableModes"))]
        found.append(pb.Setting(setting_id="mode", value=text_of(modes.get("currentModeId"), 200), choices=choices))
    room = _ROOM
    for setting in found:
        while setting.choices and setting.ByteSize() > room:
            del setting.choices[len(setting.choices) // 2 :]  # some agents know hundreds of models
        room -= setting.ByteSize()
    return found


def usage_of_turn(told: object) -> pb.Usage | None:
    """Return what a turn cost, where its end tells it."""
    usage = fields(told)
    if not usage:
        return None
    return pb.Usage(input_tokens=number(usage.get("inputTokens")), output_tokens=number(usage.get("outputTokens")))


def options(told: object) -> list[pb.PermissionRequest.Option]:
    """Return the possible answers to a request for permission."""
    return [
        pb.PermissionRequest.Option(
            option_id=text_of(option.get("optionId"), 200),
            name=text_of(option.get("name"), 200),
            kind=text_of(option.get("kind"), 50),
        )
        for option in items(told)[:16]
    ]


def _option(option: Mapping[str, Any]) -> pb.Setting:
    value = option.get("currentValue")
    shown = str(value).lower() if isinstance(value, bool) else text_of(value, 200)
    told = items(option.get("options"))
    choices = [inner for group in told for inner in (items(group.get("options")) or [group])]
    return pb.Setting(
        setting_id=setting_id(option),
        value=shown,
        choices=[_choice(choice.get("value"), choice.get("name")) for choice in choices],
    )


def setting_id(option: Mapping[str, Any]) -> str:
    """Return what people call a setting: `mode` and `model` whatever the agent's own word is."""
    category = option.get("category")
    return category if category in ("mode", "model") else text_of(option.get("id"), 100)


def _choice(value: object, name: object) -> pb.Setting.Choice:
    return pb.Setting.Choice(value=text_of(value, 200), name=text_of(name, 200))


def _chunks(update: Mapping[str, Any], *, replayed: bool, from_person: bool = False) -> list[pb.Chunk]:
    block = fields(update.get("content"))
    text = block.get("text")
    if not isinstance(text, str):
        return [pb.Chunk(omitted=_omitted(block), replayed=replayed, from_person=from_person)]
    pieces: Sequence[str] = [text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK)]
    return [pb.Chunk(text=_clean(piece), replayed=replayed, from_person=from_person) for piece in pieces]


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _omitted(block: Mapping[str, Any]) -> str:
    """Return what people are told of a picture, a sound or a resource."""
    data = block.get("data")
    if isinstance(data, str):
        return f"{text_of(block.get('mimeType'), 100)}, {len(data) * 3 // 4} bytes"
    return text_of(block.get("uri") or fields(block.get("resource")).get("uri"), _SHORT)


def _plan(update: Mapping[str, Any]) -> pb.Plan:
    return pb.Plan(
        entries=[
            pb.Plan.Entry(
                content=text_of(entry.get("content"), 512),
                priority=text_of(entry.get("priority"), 50),
                status=text_of(entry.get("status"), 50),
            )
            for entry in items(update.get("entries"))[:_ENTRIES]
        ]
    )


def _context(update: Mapping[str, Any]) -> pb.Usage:
    cost = fields(update.get("cost"))
    shown = f"{cost.get('amount')} {cost.get('currency')}" if cost else ""
    return pb.Usage(
        used_tokens=number(update.get("used")), context_tokens=number(update.get("size")), cost=text_of(shown, 50)
    )


def _json(value: object, limit: int) -> str:
    try:
        written = json.dumps(value)
    except (ValueError, RecursionError):
        return ""
    return written if len(written) <= limit else ""
