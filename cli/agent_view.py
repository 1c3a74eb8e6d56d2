"""What happens in an agent session, as people read it; nothing of it steers their terminal."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from cli.client import Json
from cli.render import visible

if TYPE_CHECKING:
    from collections.abc import Callable

DIFF_LINES = 40
"""Lines of a diff that are shown; the rest is counted."""

_MARKS = {"pending": "…", "in_progress": "…", "completed": "✓", "failed": "✗"}
_DONE = {"pending": "[ ]", "in_progress": "[~]", "completed": "[x]"}


class View:
    """Prints events. Pieces of one message stand on one line; everything else begins a new one."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._within = ""
        self._titles: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        self._paragraphs: dict[str, Callable[[Json, str], None]] = {
            "ready": self._ready,
            "prompt": self._prompt,
            "toolCall": self._tool_call,
            "plan": self._plan,
            "permissionRequest": self._permission_request,
            "permissionAnswer": self._permission_answer,
            "cancel": self._cancel,
            "turnEnd": self._turn_end,
            "setting": self._setting,
            "terminal": self._terminal,
            "file": self._file,
            "fault": self._fault,
        }

    def show(self, event: Json) -> None:
        """Print an event."""
        kind = next((name for name in event if name != "author"), "")
        told: Json = event.get(kind, {})
        if kind in ("message", "thought"):
            self._piece(kind, told)
            return
        self.line_end()
        if kind in self._paragraphs:
            author: Json = event.get("author", {})
            self._paragraphs[kind](told, str(author.get("person") or author.get("userId", "")))

    def line_end(self) -> None:
        """End a line that is begun."""
        if self._within:
            self._console.print()
        self._within = ""

    def _piece(self, kind: str, told: Json) -> None:
        style = "dim" if kind == "thought" or told.get("replayed") else ""
        if self._within != kind + style:
            self.line_end()
        self._within = kind + style
        text = told.get("text", "") or (f"[{told['omitted']}]" if told.get("omitted") else "")
        lines = "\n".join(visible(line) for line in text.split("\n"))
        self._console.print(Text(lines, style), end="", soft_wrap=True)

    def _say(self, mark: str, text: str, style: str = "") -> None:
        for line in text.split("\n"):
            self._console.print(Text(mark + visible(line), style), soft_wrap=True)

    def _ready(self, told: Json, _: str) -> None:
        settings = ", ".join(f"{one['settingId']} {one.get('value', '')}" for one in told.get("settings", ()))
        self._say(
            "· ", f"{told.get('name', 'agent')} {told.get('version', '')} is ready ({settings or 'no settings'})", "dim"
        )

    def _prompt(self, told: Json, author: str) -> None:
        self._say("> ", told.get("text", ""), "bold")
        for link in told.get("links", ()):
            self._say("> ", f"[{link.get('name', '')}] {link['uri']}", "bold")
        if author:
            self._say("  ", f"from {author}", "dim")

    def _tool_call(self, told: Json, _: str) -> None:
        key = str(told.get("toolCallId", ""))
        self._titles[key] = str(told.get("title") or self._titles.get(key, key))
        line = f"{_MARKS.get(told.get('status', ''), '·')} {self._titles[key]}"
        if line != self._shown.get(key):
            self._say("", line, "cyan")
        self._shown[key] = line
        self._contents(told)

    def _contents(self, call: Json) -> None:
        for content in call.get("content", ()):
            if "diff" in content:
                self._diff(content["diff"])
            elif "terminalSessionId" in content:
                self._say("  ", f"in session {content['terminalSessionId']}", "dim")
            elif content.get("text"):
                self._say("  ", content["text"], "dim")
                if content.get("truncated"):
                    self._say("  ", "… and more, which the log does not have", "dim")
        if call.get("omittedContents"):
            self._say("  ", f"… and {call['omittedContents']} parts more, which the log does not have", "dim")

    def _diff(self, diff: Json) -> None:
        self._say("  ", f"{diff.get('path', '')}:{diff.get('line', 1)}", "dim")
        removed, added = (diff.get(side, "").splitlines() for side in ("oldText", "newText"))
        lines = [("- ", line, "red") for line in removed] + [("+ ", line, "green") for line in added]
        for mark, line, style in lines[:DIFF_LINES]:
            self._say(f"  {mark}", line, style)
        if len(lines) > DIFF_LINES:
            self._say("  ", f"… and {len(lines) - DIFF_LINES} lines more", "dim")
        if diff.get("truncated"):
            self._say("  ", "… and more, which the log does not have; the file has the whole", "dim")

    def _plan(self, told: Json, _: str) -> None:
        for entry in told.get("entries", ()):
            self._say(f"  {_DONE.get(entry.get('status', ''), '[ ]')} ", entry.get("content", ""))

    def _permission_request(self, told: Json, _: str) -> None:
        call: Json = told.get("toolCall", {})
        self._say("? ", call.get("title", "") or "The agent asks for permission", "bold yellow")
        if call.get("toolCallId") not in self._titles:
            self._contents(call)
        for number, option in enumerate(told.get("options", ()), 1):
            self._say(f"  {number}) ", f"{option.get('name', '')} [{option['optionId']}]", "yellow")
        self._say("  ", f"permission {told['permissionId']}", "dim")

    def _permission_answer(self, told: Json, author: str) -> None:
        answer = told.get("optionId")
        self._say("! ", f"{author} answered {answer}" if answer else "withdrawn", "yellow")

    def _cancel(self, _: Json, author: str) -> None:
        self._say("! ", f"{author} cancels", "yellow")

    def _turn_end(self, told: Json, _: str) -> None:
        detail = f": {told['detail']}" if told.get("detail") else ""
        self._say("· ", f"{told.get('reason', '').replace('_', ' ')}{detail}", "dim")

    def _setting(self, told: Json, author: str) -> None:
        by = f", by {author}" if author else ""
        self._say("· ", f"{told['settingId']} is {told.get('value', '')}{by}", "dim")

    def _terminal(self, told: Json, _: str) -> None:
        self._say("· ", f"terminal {told['sessionId']}: {' '.join(told.get('command', ()))}", "dim")

    def _file(self, told: Json, _: str) -> None:
        verb = "writes" if told.get("written") else "reads"
        why = f", but {told['failure']}" if told.get("failure") else f", {told.get('sizeBytes', 0)} bytes"
        self._say("· ", f"{verb} {told.get('path', '')}{why}", "dim")

    def _fault(self, told: Json, _: str) -> None:
        self._say("! ", told.get("message", ""), "red")
