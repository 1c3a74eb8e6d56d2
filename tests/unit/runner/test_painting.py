"""A screen as bytes, and the output that follows: the same as all of the output."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.ghostty import Ghostty
from runner.painting import paint
from tests.support.cells import differences, look
from tests.support.examples import examples
from tests.support.programs import steps

SIZES = ((20, 6), (10, 4), (33, 8))


def _shown(size: tuple[int, int], *output: bytes) -> Ghostty:
    terminal = Ghostty(*size)
    for part in output:
        terminal.feed(part)
    return terminal


def test_paint_any_program_cut_anywhere_goes_on_as_if_it_were_not(pytestconfig: pytest.Config) -> None:
    """Cell by cell on both screens, with cursor, saved cursor, modes, margins, keyboards, colours and title."""
    seen = []

    @examples(pytestconfig, 60)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        size = data.draw(st.sampled_from(SIZES))
        step = steps(*size)
        before = b"".join(data.draw(st.lists(step, max_size=25), label="before"))
        after = b"".join(data.draw(st.lists(step, max_size=10), label="after"))
        whole = _shown(size, before)
        screen = paint(whole)
        answers: list[bytes] = []
        late = Ghostty(*size)
        late.on_reply(answers.append)
        late.feed(screen)
        assert answers == []
        assert differences(look(whole), look(late)) == {}
        whole.feed(after)
        late.feed(after)
        assert differences(look(whole), look(late)) == {}
        seen.append(whole.alternate)

    check()
    assert True in seen


@pytest.mark.parametrize(
    "output",
    [
        pytest.param(b"\x1b[44m\x1b[2J", id="colour without text"),
        pytest.param(b"\x1b[44m\x1b[3;4H\x1b[5X", id="a coloured box on an empty row"),
        pytest.param(b"\x1b[7mone\x1b[m\x1b[3Ctwo", id="empty cells behind a style"),
        pytest.param(b"x" * 19 + "漢字".encode(), id="a wide character that wraps"),
        pytest.param(b"\x1b]8;;http://a.b/c\x1b\\a link\x1b]8;;\x1b\\ and none", id="a link"),
        pytest.param(b"x" * 20, id="a cursor that waits to wrap"),
        pytest.param(b"\x1b[2;4r\x1b[?6h\x1b[2;3H", id="an origin within margins"),
        pytest.param(b"main\x1b7\x1b[5;5H\x1b[31mred\x1b[?1049halternate", id="two screens"),
        pytest.param(b"\x1b[>1u\x1b[>5u\x1b[?1049h\x1b[>3u", id="keyboards of both screens"),
        pytest.param(b"a" * 45 + b"\x1b[H\x1b[2M", id="a line whose beginning was deleted"),
        pytest.param(b"a" * 35 + b"\x1b[1J\x1b[Hb", id="a line whose beginning was erased"),
        pytest.param(b"\x1b[1;2r\x1b[6;1H" + b"a" * 25, id="a line that goes on in its own row"),
    ],
)
def test_paint_what_the_formatter_leaves_out_is_there(output: bytes) -> None:
    """Each of these once was not, or comes from a program that many use."""
    whole = _shown((20, 6), output)
    assert differences(look(whole), look(_shown((20, 6), paint(whole)))) == {}


@pytest.mark.parametrize("before", [b"\x1b[?1049h\x1b[>1u\x1b[?1049l", b"a\x1b[?1049h\x1b[?1049h\x1b[?1049l"])
def test_paint_what_the_alternate_screen_keeps_while_it_is_not_shown_is_there(before: bytes) -> None:
    """Its keyboards, and the cursor that was saved on it."""
    back = b"\x1b[?1049h"
    painted = paint(_shown((20, 6), before))
    assert differences(look(_shown((20, 6), before, back)), look(_shown((20, 6), painted, back))) == {}


def test_paint_lines_that_wrap_are_wrapped_anew_in_another_size() -> None:
    """A device that resizes after it began with a screen sees what it would after a replay."""
    whole = _shown((20, 6), b"$ " + b"a long line that wraps " * 3 + b"\r\n$ ")
    late = _shown((20, 6), paint(whole))
    for terminal in (whole, late):
        terminal.resize(30, 6)
    assert differences(look(whole), look(late)) == {}


def test_at_ground_within_sequences_and_characters_is_false() -> None:
    """So no screen is kept there."""
    terminal = Ghostty(20, 6)
    for part in (b"\x1b[1m", "漢".encode(), b"\x1b]2;a title\x1b\\", b"\x1bP$q q\x1b\\", b"\x1b_any\x1b\\"):
        for byte in part[:-1]:
            terminal.feed(bytes([byte]))
            assert not terminal.at_ground
        terminal.feed(part[-1:])
        assert terminal.at_ground
