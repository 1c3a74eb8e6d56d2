"""In which forms secrets are found: tests that need nothing but Python, which `make demo` runs in a workspace."""

import base64
import json

from runner.masking import MINIMUM, forms, secret_in_base64

SECRET = b'pa/ss "word"+=1'


def test_forms_of_a_secret_have_it_as_it_is_and_in_json() -> None:
    """Both are found in what programs print."""
    assert {SECRET, json.dumps(SECRET.decode())[1:-1].encode()} <= forms(SECRET)


def test_forms_of_a_secret_are_long_enough_to_be_no_chance() -> None:
    """A shorter one would be found everywhere."""
    assert all(len(form) >= MINIMUM for form in forms(b"abcdef"))


def test_forms_of_a_secret_of_lines_have_those_of_a_terminal() -> None:
    """A terminal writes CR and LF."""
    assert b"first\r\nsecond" in forms(b"first\nsecond")


def test_secret_in_base64_is_part_of_it_behind_any_bytes() -> None:
    """Whatever stands before and behind it."""
    for shift in range(6):
        whole = base64.b64encode(b"x" * shift + SECRET + b"yz")
        assert secret_in_base64(SECRET, shift % 3) in whole


def test_secret_in_base64_for_urls_is_among_the_forms() -> None:
    """With - and _ for + and /."""
    assert {b"--__Pn5-", b"++//Pn5+"} <= forms(b"\xfb\xef\xff>~~")
