"""What people see of an agent."""

import io

from rich.console import Console

from cli.agent_view import View
from cli.client import Json


def _shown(*events: Json) -> str:
    console = Console(file=io.StringIO(), width=200)
    view = View(console)
    for event in events:
        view.show(event)
    view.line_end()
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_view_of_text_that_steers_a_terminal_shows_it_written_out() -> None:
    """Escapes and marks that turn text around do nothing, wherever an agent puts them."""
    evil = "a\x1b]0;b\x07\nc\u202e"
    diff = {"path": evil, "newText": evil}
    shown = _shown(
        {"message": {"text": evil}},
        {"toolCall": {"toolCallId": "1", "title": evil, "content": [{"diff": diff}]}},
        {"permissionRequest": {"permissionId": "p", "options": [{"optionId": evil, "name": evil}]}},
        {"turnEnd": {"reason": evil, "detail": evil}},
        {"unheardOf": {}},
    )
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "a\\x1b]0;b\\x07\nc\\u202e" in shown


def test_view_of_pieces_always_is_one_text() -> None:
    """Pieces of a message follow each other; what comes between them begins a line."""
    shown = _shown(
        {"message": {"text": "one "}},
        {"message": {"text": "two"}},
        {"toolCall": {"toolCallId": "1", "title": "Look", "status": "completed"}},
        {"message": {"text": "three"}},
    )
    assert shown == "one two\n✓ Look\nthree\n"
