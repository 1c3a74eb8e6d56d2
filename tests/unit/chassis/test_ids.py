"""Identifiers are UUIDs of version 7, and later ones sort after earlier ones."""

import time
from uuid import RFC_4122

from chassis import ids

VERSION = 7


def test_new_has_version_7_and_the_time_in_milliseconds() -> None:
    """The first 48 bits are the Unix time (RFC 9562)."""
    before = time.time_ns() // 1_000_000
    made = ids.new()
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (VERSION, RFC_4122)
    assert before <= made.int >> 80 <= after


def test_new_many_times_never_repeats_and_keeps_time_order() -> None:
    """Newest rows lie side by side in an index."""
    made = [ids.new() for _ in range(10_000)]
    milliseconds = [one.int >> 80 for one in made]
    assert len(set(made)) == len(made)
    assert milliseconds == sorted(milliseconds)


def test_parse_of_what_str_wrote_returns_the_same() -> None:
    """Ids travel as text."""
    made = ids.new()
    assert ids.parse(str(made)) == made
    assert ids.INSTALLATION_ACCOUNT.version == VERSION
