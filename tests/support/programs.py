"""Random programs for terminals: what real ones print, in any order."""

from typing import Any

from hypothesis import strategies as st

_TEXTS = ("a", "hello", "word word", "你好", "漢", "e\u0301", "👍", "👩\u200d🚀", "x" * 30, "─│", "ﾊ", "é")
_STYLES = (
    *("0", "1", "2", "3", "4", "4:3", "5", "7", "8", "9", "53", "31", "92", "44", "105", "39", "49", "22", "24", "27"),
    *("38;5;200", "48;5;17", "38;2;1;2;3", "48;2;9;8;7", "58;5;3", "58:2::1:2:3"),
)
_SIMPLE = (
    *(
        "\r\n",
        "\n",
        "\r",
        "\t",
        "\b",
        "\x1b7",
        "\x1b8",
        "\x1bM",
        "\x1bD",
        "\x1bE",
        "\x1bH",
        "\x1b[g",
        "\x1b[3g",
        "\x1b[r",
    ),
    *(
        "\x1b(0qqx\x1b(B",
        "\x1b)0\x0eqx\x0f",
        "\x1b]8;;\x1b\\",
        "\x1b]10;#112233\x07",
        "\x1b]104\x07",
        "\x1b]7;file:///tmp\x07",
    ),
    *("\x1b[>4;2m", '\x1b[1"q', '\x1b[0"q', "\x1b[<u", "\x1b#8", "\x1bc", "\x1b[!p"),
)
_MODES = ("1", "5", "6", "25", "69", "1000", "1003", "1004", "1006", "2004", "2026")


def _number(most: int) -> st.SearchStrategy[str]:
    return st.integers(0, most).map(str)


def _joined(*parts: Any) -> st.SearchStrategy[str]:  # texts and strategies of texts
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map("".join)


def steps(columns: int, rows: int) -> st.SearchStrategy[bytes]:
    """Return one thing that a program does on a terminal of this size."""
    few, switch = _number(4), st.sampled_from(("h", "l"))
    return st.one_of(
        st.sampled_from(_TEXTS),
        st.lists(st.sampled_from(_STYLES), min_size=1, max_size=3).map(lambda styles: f"\x1b[{';'.join(styles)}m"),
        _joined("\x1b[", _number(rows + 2), ";", _number(columns + 2), "H"),
        st.sampled_from(_SIMPLE),
        _joined("\x1b[", few, st.sampled_from(tuple("ABCDEFGdIZ"))),
        _joined("\x1b[", _number(2), st.sampled_from(("J", "K"))),
        _joined("\x1b[", few, st.sampled_from(tuple("LMP@XST"))),
        _joined("\x1b[", _number(rows), ";", _number(rows), "r"),
        _joined("\x1b[", _number(columns), ";", _number(columns), "s"),
        _joined("\x1b[?", st.sampled_from(("1049", "1047", "47")), switch),
        _joined("\x1b[?", st.sampled_from(_MODES), switch),
        _joined("\x1b[", st.sampled_from(("4", "20")), switch),
        _joined("\x1b]2;title ", _number(99), "\x07"),
        _joined("\x1b]8;", st.sampled_from(("", "id=q")), ";http://x.y/", _number(9), "\x1b\\"),
        _joined("\x1b[", _number(6), " q"),
        _joined("\x1b[", st.sampled_from((">", "=")), _number(31), "u"),
        _joined("\x1b]4;", _number(255), ";rgb:11/22/33\x07"),
        _joined("a\x1b[", few, "b"),
    ).map(str.encode)
