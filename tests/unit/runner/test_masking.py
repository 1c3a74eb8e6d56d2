"""Secrets in output: never whole, however they are split; what is no secret stays as it was."""

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.handover import MaskState, ProgramState, Table, TerminalState, decode, encode
from runner.masking import Mask
from tests.support.waiting import PATIENCE

SECRET = b"s3cr/t+\xc3\xa9 key"
OTHER = b"s3cr/t"
NOISE = st.sampled_from([b"", b"s3", b"s3cr/", b"\r\n", b"key", b"\x1b[1m", b"x" * 30, SECRET[:-1], SECRET[1:]])
SHOWN = [
    SECRET,
    SECRET.hex().encode(),
    SECRET.hex().upper().encode(),
    quote(SECRET).encode(),
    quote(SECRET, safe="").lower().encode(),
    json.dumps(SECRET.decode())[1:-1].encode(),
    base64.b64encode(SECRET),
    base64.urlsafe_b64encode(SECRET),
    base64.b64encode(b"user:" + SECRET),
    base64.b64encode(b"a:" + SECRET + b"!"),
]


def _masked(parts: Sequence[bytes], *secrets: bytes) -> bytes:
    """Return what is stored of output that comes in parts, at once and without a pause."""

    async def run() -> bytes:
        stored = bytearray()
        mask = Mask(stored.extend)
        for number, secret in enumerate(secrets):
            mask.register(f"N{number}", secret)
        for part in parts:
            mask.feed(part)
        mask.flush()
        return bytes(stored)

    return asyncio.run(run())


def _split(data: bytes, places: Sequence[int]) -> list[bytes]:
    cuts = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[begin:end] for begin, end in pairwise(cuts)]


@settings(max_examples=300)
@given(NOISE, st.sampled_from([SECRET]), NOISE, st.lists(st.integers(0, 200), max_size=6))
def test_secret_in_any_parts_between_anything_is_masked_once(
    before: bytes, secret: bytes, after: bytes, places: list[int]
) -> None:
    """What stands around it is there, byte for byte."""
    whole = before + secret + after
    assert _masked(_split(whole, places), secret) == whole.replace(secret, b"[secret N0]")


@settings(max_examples=100)
@given(st.sampled_from(SHOWN), st.lists(st.integers(0, 200), max_size=6))
def test_secret_in_any_form_is_masked(shown: bytes, places: list[int]) -> None:
    """As text, in hex, in URLs, in JSON and in base64 behind anything, whole or in parts."""
    stored = _masked(_split(b"Authorization: " + shown + b"\r\n", places), SECRET)
    assert b"[secret N0]" in stored
    assert SECRET not in stored
    assert len(stored) <= len(b"Authorization: [secret N0]\r\n") + 8  # characters of base64 that hold more than it


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_output_without_a_secret_is_stored_as_it_is(parts: list[bytes]) -> None:
    """Not a byte is changed, or lost in what was held back."""
    assert _masked(parts, SECRET, OTHER + b"#") == b"".join(parts)


@given(st.lists(st.integers(0, 30), max_size=4))
def test_secret_that_begins_another_hides_both(places: list[int]) -> None:
    """The longer one leaves no end behind that the shorter does not cover."""
    stored = _masked(_split(b"a" + SECRET + b"b", places), OTHER, SECRET)
    assert stored.startswith(b"a[secret N")
    assert stored.endswith(b"]b")
    assert not any(SECRET[begin : begin + 4] in stored for begin in range(len(SECRET) - 3))


async def test_secret_that_is_typed_slowly_is_not_whole_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a moment an echoed key is let go, but what completes the secret is masked."""
    stored = bytearray()
    mask = Mask(stored.extend)
    mask.register("KEY", SECRET)
    for key in SECRET[:3]:
        mask.feed(bytes([key]))
        async with asyncio.timeout(PATIENCE):
            while not stored.endswith(bytes([key])):  # noqa: ASYNC110  # the moment is the runner's
                await asyncio.sleep(0.005)
    for key in SECRET[3:]:
        mask.feed(bytes([key]))
    assert stored == SECRET[:3] + b"[secret KEY]"


async def test_mask_goes_on_after_an_upgrade() -> None:
    """What is held back, and what is masked, are those of before."""
    stored = bytearray()
    before = Mask(stored.extend)
    before.register("KEY", SECRET)
    before.feed(b"x" + SECRET[:5])
    after = Mask(stored.extend)
    after.restore(before.state())
    after.feed(SECRET[5:] + b"y")
    before.flush()
    assert stored.startswith(b"x[secret KEY]y")


def test_output_of_one_letter_is_masked_in_bounded_memory() -> None:
    """A secret that repeats itself has a beginning at every byte; nothing piles up."""
    stored = _masked([b"a" * 10_000] * 20 + [b"b"], b"aaaaaa")
    assert set(stored.replace(b"[secret N0]", b"")) == {ord("b")}


def test_table_of_an_upgrade_holds_the_secrets_and_what_is_held_back() -> None:
    """The next code masks what this one did; a table of before there were secrets is read too."""
    program = ProgramState(keeper=1, level="process", reports=-1)
    mask = MaskState({"KEY": b"\xff secret"}, b"\xff se", 2)
    state = TerminalState("s", 3, 80, 24, 0, program, mask=mask)
    table = Table(b"digest", (state,))
    assert decode(encode(table)) == table
    older = json.loads(encode(table))
    del older["terminals"][0]["mask"]
    assert decode(json.dumps(older).encode()).terminals == (replace(state, mask=None),)


async def test_clean_takes_secrets_out_of_a_whole_text_in_every_form() -> None:
    """What has none comes back as it is."""
    mask = Mask(bytearray().extend)
    assert mask.clean("nothing") == "nothing"
    mask.register("A", SECRET)
    assert mask.clean("x é y") == "x é y"
    assert mask.clean(f"é {SECRET.decode()} {SECRET.hex()}.") == "é [secret A] [secret A]."
    assert mask.clean(json.dumps({"token": SECRET.decode()})) == '{"token": "[secret A]"}'
