"""What the tour claims, checked."""

import re
from collections import Counter

LINES = 300
LOOP = f'for i in $(seq 1 {LINES}); do echo "line $i of {LINES}"; sleep 0.01; done; echo \'the loop is\'" done"\n'
"""Prints for about three seconds. Its own echo holds neither a numbered line nor `the loop is done`."""
LOOP_DONE = b"the loop is done"

_LINE = re.compile(rb"line (\d+) of %d\r?\n" % LINES)


class CheckFailed(Exception):
    """The message says which claim does not hold."""


def count_lines(output: bytes | bytearray) -> int:
    """Return how many numbered lines there are."""
    return len(_LINE.findall(output))


def check(claim: str, *, holds: bool) -> None:
    """Pass when the claim holds.

    Raises:
        CheckFailed: it does not.
    """
    if not holds:
        raise CheckFailed(claim)


def check_lines(name: str, output: bytes | bytearray) -> None:
    """Pass when every numbered line is there once, in order.

    Raises:
        CheckFailed: names the first lines that are missing or doubled.
    """
    seen = [int(number) for number in _LINE.findall(output)]
    times = Counter(seen)
    missing = [number for number in range(1, LINES + 1) if not times[number]]
    doubled = [number for number in times if times[number] > 1]
    if missing or doubled:
        msg = f"{name}: lines missing: {missing[:10]}, lines doubled: {doubled[:10]}"
        raise CheckFailed(msg)
    check(f"{name}: the lines are in order", holds=seen == sorted(seen))
