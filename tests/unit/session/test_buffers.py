"""What edits make of a text, and what a look at a file means for its buffer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from chassis import ids
from chassis.errors import InvalidField
from services.session.editors.domain import LIMIT, NOTHING, Buffer, Edit, FileState, Outside, Place, apply, edits_of
from services.session.editors.errors import BufferChanged, BufferTooLarge, BufferUnsaved

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
PLACE = Place(ids.new(), ids.new(), "a.txt")


def _buffer(text: str = "old", etag: str = '"1"') -> Buffer:
    return Buffer.open(NOW, ids.new(), ids.new(), PLACE, text.encode(), etag)


def _file(text: str, etag: str) -> FileState:
    return FileState(etag, sha256(text.encode()).digest())


@pytest.mark.parametrize(
    ("edits", "text"),
    [
        ([], "añb𝄞c"),
        ([Edit(1, 4, "")], "ac"),
        ([Edit(0, 0, "x"), Edit(0, 0, "y"), Edit(5, 5, "z")], "xyañb𝄞cz"),
        ([Edit(1, 2, "n"), Edit(3, 4, "clef")], "anbclefc"),
    ],
)
def test_apply_counts_characters_of_the_text_before(edits: list[Edit], text: str) -> None:
    """Not bytes, and not the units of an encoding; insertions at one place keep their order."""
    assert apply("añb𝄞c", edits) == text


@pytest.mark.parametrize("edits", [[Edit(0, 6, "")], [Edit(3, 2, "")], [Edit(2, 4, ""), Edit(3, 5, "")]])
def test_apply_of_edits_that_fit_no_such_text_is_refused(edits: list[Edit]) -> None:
    """Beyond the end, backwards, or over each other."""
    with pytest.raises(InvalidField):
        apply("añb𝄞c", edits)


def test_edits_of_both_a_text_and_edits_or_neither_is_refused() -> None:
    """A caller who sends both means one of them, and nobody knows which."""
    for text, edits in (("a", [Edit(0, 0, "b")]), (None, [])):
        with pytest.raises(InvalidField):
            edits_of("before", text, edits)
    assert edits_of("before", "", []) == [Edit(0, 6, "")]


@pytest.mark.parametrize(
    ("found", "outside", "saved"),
    [
        (FileState('"1"', None), None, False),
        (_file("theirs", '"2"'), Outside.CHANGED, False),
        (FileState('"2"', None), Outside.CHANGED, False),
        (FileState(), Outside.DELETED, False),
        (_file("old", '"2"'), None, False),
        (_file("new", '"2"'), None, True),
        (_file("saving", '"2"'), None, True),
    ],
)
def test_meet_knows_own_texts_from_those_of_others(found: FileState, outside: Outside | None, saved: bool) -> None:  # noqa: FBT001  # a column
    """By the etag, else by the content; one that is too large to be read is somebody else's."""
    saving = _buffer().edit(NOW, "saving").begin_save(NOW).edit(NOW, "new")
    met = saving.meet(LATER, found)
    assert (met.outside, met.file_sha256 != saving.file_sha256) == (outside, saved)
    assert met.unsaved == (found != _file("new", '"2"'))
    assert met.meet(LATER, found) is met
    assert met.saving_time is None


def test_unsaved_is_what_stands_in_no_file() -> None:
    """A text that was changed back is saved; that of a deleted file is not; nothing at all is nothing to lose."""
    buffer = _buffer()
    assert buffer.edit(NOW, "new").unsaved
    assert not buffer.edit(NOW, "new").edit(NOW, "old").unsaved
    deleted = buffer.meet(NOW, FileState())
    assert deleted.unsaved
    with pytest.raises(BufferUnsaved):
        deleted.close(NOW, discard=False)
    assert deleted.close(NOW, discard=True).close_time == NOW
    assert not _buffer("", "").unsaved


def test_edit_beyond_the_limit_or_of_an_old_revision_is_refused() -> None:
    """The limit counts bytes of UTF-8."""
    edited = _buffer().edit(NOW, "é" * (LIMIT // 2))
    with pytest.raises(BufferTooLarge):
        edited.edit(NOW, "é" * (LIMIT // 2) + "a")
    with pytest.raises(BufferChanged, match="revision 2"):
        edited.expect_revision(1)


def test_move_into_another_workspace_makes_it_the_text_of_a_file_that_is_not_there() -> None:
    """What was known of the file holds for the workspace it was in."""
    kept = replace(_buffer().edit(NOW, "new"), outside=Outside.CHANGED, outside_etag='"2"')
    same, other = (kept.move(LATER, ids.new(), workspace) for workspace in (PLACE.workspace_id, ids.new()))
    assert (same.file_etag, same.outside) == ('"1"', Outside.CHANGED)
    assert (other.file_etag, other.file_sha256, other.outside, other.unsaved) == ("", NOTHING, None, True)
