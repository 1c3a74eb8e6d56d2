# Pathlib would double the start of every shell; a few named numbers are how the kernel wants it:
"""Landlock: a process gives up, for itself and all that it will start, every file that it does not name.

It needs no privilege, so it works in a container without any. What an older kernel does not know is left out.
"""

from __future__ import annotations

import ctypes
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:  # the real one would import a module that only a type checker needs, in every shell's keeper
    from collections.abc import Sequence

_LIBC = ctypes.CDLL(None, use_errno=True)
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_CREATE_RULESET_VERSION, _RULE_PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_CHAR, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 8
_MAKE_SOCK, _MAKE_FIFO, _MAKE_BLOCK, _MAKE_SYM = 1 << 9, 1 << 10, 1 << 11, 1 << 12
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_KNOWN_SINCE = {_REFER: 2, _TRUNCATE: 3, _IOCTL_DEV: 5}
"""Versions of the kernel's interface that brought a right; the others are there since the first."""

_ALL = (1 << 16) - 1
_READING = _EXECUTE | _READ_FILE | _READ_DIR
_WRITING = _ALL & ~(_MAKE_CHAR | _MAKE_BLOCK | _IOCTL_DEV)
_USING = _READ_FILE | _WRITE_FILE | _READ_DIR | _IOCTL_DEV
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
"""Rights that a rule for something else than a folder may have."""

_SCOPES_SINCE = 6
_SCOPE_ABSTRACT_UNIX_SOCKET, _SCOPE_SIGNAL = 1 << 0, 1 << 1


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def confine(readable: Sequence[str], writable: Sequence[str], devices: Sequence[str]) -> None:
    """Leave this process what lies at and beneath the paths that exist, and signals among what it starts.

    No new privileges must be possible any more. OSError where the kernel has no Landlock, or a container forbids it.

    Args:
        readable: may be read and executed.
        writable: may be changed as well, but devices cannot be made there.
        devices: may be read, written and controlled.
    """
    version = _call(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    known = _ALL & ~sum(right for right, since in _KNOWN_SINCE.items() if version < since)
    scopes = _SCOPE_ABSTRACT_UNIX_SOCKET | _SCOPE_SIGNAL if version >= _SCOPES_SINCE else 0
    handled = _Ruleset(known, 0, scopes)
    ruleset = _call(_CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    for paths, rights in ((readable, _READING), (writable, _WRITING), (devices, _USING)):
        for path in paths:
            _allow(ruleset, path, rights & known)
    _call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there, or cannot even be looked at, is not to be had
    if not stat.S_ISDIR(os.fstat(parent).st_mode):
        rights &= _OF_FILES
    rule = _Beneath(rights, parent)
    _call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(parent)


def _call(number: int, *arguments: object) -> int:
    result: int = _LIBC.syscall(number, *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"landlock: {os.strerror(error)}")
    return result
