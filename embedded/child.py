"""Become another program that gets a signal when the supervisor dies: `python child.py PARENT SIGNAL PROGRAM …`.

The request must come from the process itself, after fork and after any change of user namespace; doing it here instead
of in a `preexec_fn` keeps Python from running between fork and exec of a process that has threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for the signal, then replace this process by the program."""
    parent, signal_number, *program = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != int(parent):
        sys.exit("the supervisor died before this process began")
    os.execvp(program[0], program)  # noqa: S606  # replacing this process without a shell is the whole point


if __name__ == "__main__":
    main()
