"""Secrets are found in what comes of their use, in the forms in which programs write them."""

import base64
import json
from urllib.parse import quote

import pytest

from services.execution.engine.steps.values import short
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


def test_hide_secret_that_was_cut_hides_its_beginning() -> None:
    """A sentence shows the first hundred characters of what somebody else said; what is short is not known for it."""
    opened, said = Opened({"KEY": "sk-0123456789abcdef", "OTHER": "x" * 300}), "e" * 80
    assert opened.hide(f"bad key: {short(f'{said} sk-0123456789abcdef')}") == f"bad key: '{said} [secret KEY]…"
    assert opened.hide(f"{short('sk-0123' * 20)}; {short('x' * 200)}").endswith("; '[secret OTHER]…")
    assert opened.hide("sk-… and sk-0123 go on") == "sk-… and sk-0123 go on"


def test_hide_within_json_hides_in_names_and_texts_and_keeps_the_rest() -> None:
    """Of two secrets of which one begins with the other, the longer one is hidden."""
    opened = Opened({"A": "abcdef", "B": "abcdefgh"})
    given = {"abcdef": [1, None, True, "x abcdefgh"]}
    assert opened.hide_within(given) == {"[secret A]": [1, None, True, "x [secret B]"]}
    assert "abcdef" not in repr(opened)
