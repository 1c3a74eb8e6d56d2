"""Sentences of the server in the words of the command line."""

import pytest

from cli.options import in_options


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("end them first, or say `force`.", "end them first, or say `--force`."),
        ("repositoryUrl: bad\nbranch: bad too", "--repo: bad\n--branch: bad too"),
        ("scopes[0]: bad", "--scope[0]: bad"),
        ("name: bad", "name: bad"),
        ("The branch: gone, says `git`", "The branch: gone, says `git`"),
    ],
)
def test_in_options_names_what_the_command_line_has(sentence: str, shown: str) -> None:
    """Blamed fields and quoted ones become options; other words stay."""
    assert in_options(sentence) == shown
