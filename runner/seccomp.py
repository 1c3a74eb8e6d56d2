"""seccomp: a process gives up, for itself and all that it will start, the limits of other processes.

Linux lets a process set those of any other of the same user, and who reaches a limit of processor time is killed:
that would be a signal by another way.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2

_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # where they stand in what a filter sees; the lower half of the last
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM

_PRLIMIT: dict[str, dict[int, tuple[int, ...]]] = {
    "x86_64": {0xC000003E: (302, 302 | 0x40000000), 0x40000003: (340,)},
    "aarch64": {0xC00000B7: (261,), 0x40000028: (369,)},
}
"""Numbers of the call for every kind of program that a machine runs, by the architecture that the kernel says."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def keep_limits_to_itself() -> None:
    """Refuse this process to set or read limits but by pid 0, its own. No new privileges must be possible. OSError."""
    kinds = _PRLIMIT.get(os.uname().machine, {})
    code = b"".join(_refusal(kind, numbers) for kind, numbers in kinds.items()) + _instruction(_RETURN, _ALLOW)
    program = _Program(len(code) // 8, code)
    if _LIBC.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), ctypes.byref(program)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")


def _refusal(kind: int, numbers: tuple[int, ...]) -> bytes:
    """Return what decides about the programs of one kind; those of others go on behind it."""
    decision = [
        _instruction(_RETURN, _ALLOW),
        _instruction(_LOAD, _FIRST_ARGUMENT),
        _instruction(_JUMP_IF_EQUAL, 0, otherwise=1),
        _instruction(_RETURN, _ALLOW),
        _instruction(_RETURN, _REFUSE),
    ]
    choice = [_instruction(_JUMP_IF_EQUAL, number, then=len(numbers) - place) for place, number in enumerate(numbers)]
    body = [_instruction(_LOAD, _NUMBER), *choice, *decision]
    return b"".join(
        [_instruction(_LOAD, _ARCHITECTURE), _instruction(_JUMP_IF_EQUAL, kind, otherwise=len(body)), *body]
    )


def _instruction(code: int, operand: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, operand)
