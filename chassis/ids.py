"""Identifiers: UUIDv7, in time order, so that the newest rows lie side by side in an index (RFC 9562)."""

import os
import threading
import time
from uuid import UUID

INSTALLATION_ACCOUNT = UUID("00000000-0000-7000-8000-000000000000")
"""Owner of rows that belong to the installation as a whole."""

_TAIL = 74  # random bits of an id, beside 48 of milliseconds
_STEP = 4  # bytes of the random distance between two ids of one millisecond


class _Clock:
    """Milliseconds with a random tail, as one number that only grows (RFC 9562, section 6.2, method 2)."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def tick(self) -> int:
        """Return the next number, also within one millisecond and when the machine's clock is set back."""
        milliseconds = (time.time_ns() // 1_000_000) & ((1 << 48) - 1)
        fresh = milliseconds << _TAIL | int.from_bytes(os.urandom(10)) >> 6
        with self._lock:
            if fresh <= self._last:
                fresh = self._last + 1 + int.from_bytes(os.urandom(_STEP))
            self._last = fresh
        return fresh


_clock = _Clock()


def new() -> UUID:
    """Return a new UUIDv7, greater than all that this process has made: lists are in the order of ids."""
    value = _clock.tick()
    time_and_a, b = value >> 62, value & ((1 << 62) - 1)
    return UUID(int=time_and_a >> 12 << 80 | 0x7 << 76 | (time_and_a & 0xFFF) << 64 | 0b10 << 62 | b)


def is_id(text: str) -> bool:
    """Whether a text is a UUID in its usual form."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def parse(text: str) -> UUID:
    """Return the UUID that a validated request field holds."""
    return UUID(text)
