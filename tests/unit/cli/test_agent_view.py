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


def test_view_of_what_somebody_did_names_the_person_where_that_is_known() -> None:
    """An id says little to who watches; of old events there is no more."""
    known = _shown({"prompt": {"text": "Hi"}, "author": {"userId": "id-1", "person": "Ada"}})
    assert known == "> Hi\n  from Ada\n"
    assert "from id-1" in _shown({"prompt": {"text": "Hi"}, "author": {"userId": "id-1"}})


def test_view_of_what_a_log_does_not_have_says_so() -> None:
    """Nobody takes a part of a diff for the whole."""
    diff = {"path": "a", "newText": "x", "truncated": True}
    shown = _shown(
        {"toolCall": {"toolCallId": "1", "title": "Edit", "content": [{"diff": diff}], "omittedContents": 2}}
    )
    assert "the file has the whole" in shown
    assert "2 parts more" in shown
