"""Secrets are found in what comes of their use, in the forms in which programs write them."""

import base64
import json
from urllib.parse import quote

import pytest

from services.execution.secrets.keyring import Opened

SECRET = 'pa/ss "wörd"+=1'


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        json.dumps(SECRET),
        quote(SECRET, safe=""),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.urlsafe_b64encode(f"x{SECRET}".encode()).decode(),
    ],
)
def test_hide_secret_in_any_form_leaves_its_name(written: str) -> None:
    """Also in base64 behind something else."""
    hidden = Opened({"KEY": SECRET}).hide(f"it is {written}.")
    assert "[secret KEY]" in hidden
    assert written not in hidden


def test_hide_secret_of_several_lines_hides_each() -> None:
    """A key in PEM is logged line by line; a short line would be found everywhere."""
    opened = Opened({"PEM": "-----BEGIN\nabcdefgh\nxy"})
    assert [opened.hide(line) for line in ("abcdefgh", "xy")] == ["[secret PEM]", "xy"]


def test_hide_within_json_hides_in_names_and_texts_and_keeps_the_rest() -> None:
    """Of two secrets of which one begins with the other, the longer one is hidden."""
    opened = Opened({"A": "abcdef", "B": "abcdefgh"})
    given = {"abcdef": [1, None, True, "x abcdefgh"]}
    assert opened.hide_within(given) == {"[secret A]": [1, None, True, "x [secret B]"]}
    assert "abcdef" not in repr(opened)
