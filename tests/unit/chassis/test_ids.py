"""Identifiers are UUIDs of version 7, and later ones sort after earlier ones."""

import time
from uuid import RFC_4122

import pytest

from chassis import ids

VERSION = 7


def test_new_has_version_7_and_the_time_in_milliseconds() -> None:
    """The first 48 bits are the Unix time (RFC 9562)."""
    before = time.time_ns() // 1_000_000
    made = ids.new()
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (VERSION, RFC_4122)
    assert before <= made.int >> 80 <= after


def test_new_many_times_never_repeats_and_keeps_its_order() -> None:
    """Lists are in the order of ids, so two of one millisecond must not change places."""
    made = [ids.new() for _ in range(10_000)]
    assert len(set(made)) == len(made)
    assert made == sorted(made)
    assert {(one.version, one.variant) for one in made} == {(VERSION, RFC_4122)}


def test_new_after_the_clock_was_set_back_keeps_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made later sorts after, whatever the machine believes the time to be."""
    before = ids.new()
    monkeypatch.setattr(time, "time_ns", lambda: 1)
    assert before < ids.new() < ids.new()


def test_parse_of_what_str_wrote_returns_the_same() -> None:
    """Ids travel as text."""
    made = ids.new()
    assert ids.parse(str(made)) == made
