"""Keeps what this process knows from other processes of the same user: programs of the room may be some."""

import ctypes

_PR_SET_DUMPABLE = 4


def close() -> None:
    """Give the entries of this process in /proc to root, and let nobody without privileges trace it.

    It holds until the process becomes other code.
    """
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, *map(ctypes.c_ulong, (0, 0, 0, 0)))
