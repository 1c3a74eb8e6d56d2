"""What is sent of a text that an editor has changed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cli.draft import changes

TEXTS = st.text(alphabet="ab\né𝄞", max_size=12)


@settings(max_examples=60)
@given(TEXTS, TEXTS)
def test_changes_make_one_text_the_other(before: str, after: str) -> None:
    """Each is applied to what the one before it has made; nothing is sent of what stays."""
    text, sent = before, 0
    for start, end, piece in changes(before, after):
        text, sent = text[:start] + piece + text[end:], sent + 1
    assert text == after
    assert (sent == 0) == (before == after)


def test_changes_of_a_large_text_come_in_pieces() -> None:
    """Each fits into a request, whatever its characters take there."""
    pieces = list(changes("ab", "a" + "é" * 150_000 + "b"))
    assert [(start, end, len(piece)) for start, end, piece in pieces] == [
        (1, 1, 65_536),
        (65_537, 65_537, 65_536),
        (131_073, 131_073, 18_928),
    ]
