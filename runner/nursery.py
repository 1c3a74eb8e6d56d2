"""`python -m runner.nursery`: forks runners. Its code is loaded already, which takes longer than all else at a start.

A runner shares with it the memory that neither writes to. Each message on the socket that is standard input is the
environment of a runner, in JSON, with its standard input, its log and the lock of its room; the answer is its process
id with a descriptor of the process. The nursery ends with whoever has the other end. It ends instead of an answer when
its code is no longer the installed one.
"""

import gc
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from runner.__main__ import main as run
from runner.installed import RunningCode

_LARGEST = 1 << 16
"""Bytes of a message."""

_DESCRIPTORS = 3
_OF_THE_CODE = "GRPC_"
"""How variables begin that our own packages set for the libraries that they load."""


def serve(wishes: socket.socket, code: RunningCode) -> None:
    """Fork until nobody has wishes any more, or until other code is installed."""
    while True:
        wish, descriptors, _, _ = socket.recv_fds(wishes, _LARGEST, _DESCRIPTORS)
        if not wish or not code.is_installed():
            return
        pid = os.fork()
        if pid == 0:
            wishes.close()
            _become(wish, descriptors, code)
        with suppress(ProcessLookupError):  # it has ended already; nobody gets an answer without a descriptor
            descriptors.append(os.pidfd_open(pid))
        socket.send_fds(wishes, [str(pid).encode()], descriptors[_DESCRIPTORS:])
        for descriptor in descriptors:
            os.close(descriptor)


def _become(wish: bytes, descriptors: Sequence[int], code: RunningCode) -> NoReturn:
    """Be a runner."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told, log, lock = descriptors
    for source, number in ((told, 0), (log, 1), (log, 2)):
        os.dup2(source, number)
    os.close(told)
    os.close(log)
    os.set_inheritable(lock, True)  # noqa: FBT003  # it stays when other code takes over
    kept = {name: value for name, value in os.environ.items() if name.startswith(_OF_THE_CODE)}  # noqa: TID251  # these are no settings
    os.environ.clear()  # noqa: TID251  # a new process's own
    os.environ.update(kept | json.loads(wish))  # noqa: TID251  # as above
    random.seed()
    sys.argv = ["runner"]
    run(code)
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for runners here
    gc.collect()
    gc.freeze()  # a collection would write to what is shared
    serve(socket.socket(fileno=0), RunningCode())
