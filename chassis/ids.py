"""Identifiers: UUIDv7, in time order, so that the newest rows lie side by side in an index (RFC 9562)."""

import os
import time
from uuid import UUID

INSTALLATION_ACCOUNT = UUID("00000000-0000-7000-8000-000000000000")
"""Owner of rows that belong to the installation as a whole."""


def new() -> UUID:
    """Return a new UUIDv7: 48 bits of Unix milliseconds, 74 random bits."""
    value = int.from_bytes(os.urandom(10))
    milliseconds = time.time_ns() // 1_000_000
    random_a, random_b = (value >> 62) & 0xFFF, value & ((1 << 62) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b)


def parse(text: str) -> UUID:
    """Return the UUID that a validated request field holds."""
    return UUID(text)
