"""What a figure says: numbers of ours, of a peer in the same run, and what was asked."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number.

    Attributes:
        what: what was measured, with `p50` and the like in it.
        peer: the same of the peer, measured between our own rounds; None without one.
        peer_name: what the peer is.
        asked: the bar in words; empty when there is none.
        reached: whether the number is on the right side of the bar; None when there is none.
    """

    what: str
    unit: str
    ours: float
    peer: float | None = None
    peer_name: str = ""
    asked: str = ""
    reached: bool | None = None


def at_most(row: Row, limit: float, words: str = "") -> Row:
    """Return the row with an upper bar, in the row's unit."""
    return _barred(row, words or f"≤ {limit:g} {row.unit}", reached=row.ours <= limit)


def at_least(row: Row, limit: float, words: str = "") -> Row:
    """Return the row with a lower bar, in the row's unit."""
    return _barred(row, words or f"≥ {limit:g} {row.unit}", reached=row.ours >= limit)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value below which `percent` of at least two values lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _barred(row: Row, asked: str, *, reached: bool) -> Row:
    return Row(row.what, row.unit, row.ours, row.peer, row.peer_name, asked, reached)
