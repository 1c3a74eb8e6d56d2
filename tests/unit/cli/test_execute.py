"""Which words after a workspace are the command."""

import pytest

from cli import execute
from cli.errors import WrongUse


@pytest.mark.parametrize("words", [["ls", "-l", "--", "a"], ["--", "ls", "-l", "--", "a"]])
def test_program_of_words_with_or_without_dashes_is_the_same(words: list[str]) -> None:
    """Only the first `--` is not the command's own."""
    assert execute.program_of(words) == ["ls", "-l", "--", "a"]


def test_program_of_an_option_says_where_options_stand() -> None:
    """An option of `exec` in the wrong place is not taken for a program."""
    with pytest.raises(WrongUse, match="--json: options of exec stand before the workspace"):
        execute.program_of(["--json", "ls"])
