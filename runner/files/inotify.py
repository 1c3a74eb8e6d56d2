"""What Linux tells of changes in directories; pure but for three system calls."""

import ctypes
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_LIBC = ctypes.CDLL(None, use_errno=True)
_HEAD = struct.Struct("iIII")
_READ = 64 * 1024  # bytes, of some hundred events

MODIFY, ATTRIBUTES, MOVED_FROM, MOVED_TO, CREATE, DELETE, MOVED_ITSELF = 0x2, 0x4, 0x40, 0x80, 0x100, 0x200, 0x800
OVERFLOW, IGNORED, IS_DIRECTORY = 0x4000, 0x8000, 0x40000000
_ONLY_DIRECTORIES = 0x01000000
_WANTED = MODIFY | ATTRIBUTES | MOVED_FROM | MOVED_TO | CREATE | DELETE | MOVED_ITSELF | _ONLY_DIRECTORIES


@dataclass(frozen=True, slots=True)
class Event:
    """One event: of which watch, what, and the name in the directory, empty for the directory itself."""

    watch: int
    mask: int
    name: str


def open_queue() -> int:
    """Open a queue of events, of which reading does not wait. OSError when the machine allows no more of them."""
    opened = _LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if opened < 0:
        raise OSError(ctypes.get_errno(), "inotify_init1")
    return int(opened)


def watch(queue: int, directory: int) -> int:
    """Watch an open directory and return the watch's number, the same for the same directory. OSError as above."""
    number = _LIBC.inotify_add_watch(queue, f"/proc/self/fd/{directory}".encode(), _WANTED)
    if number < 0:
        raise OSError(ctypes.get_errno(), "inotify_add_watch")
    return int(number)


def unwatch(queue: int, number: int) -> None:
    """End a watch, if it has not ended by itself."""
    _LIBC.inotify_rm_watch(queue, number)


def read(queue: int) -> Iterator[Event]:
    """Yield the events that wait, up to some thousand of them."""
    try:
        data = os.read(queue, _READ)
    except BlockingIOError:
        return
    at = 0
    while at < len(data):
        number, mask, _, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size + length
        yield Event(number, mask, os.fsdecode(data[at - length : at].rstrip(b"\0")))
