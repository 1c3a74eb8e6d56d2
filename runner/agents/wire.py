"""What an agent is spoken to by: JSON-RPC 2.0, one message a line, over its standard input and output."""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MAXIMUM_LINE = 4 * 1024 * 1024
"""Bytes of one message; a longer one is dropped."""
MAXIMUM_WAITING = 8 * 1024 * 1024
"""Bytes that may wait for an agent to read; with more of them, nothing it says is read until it does."""

_READ_BYTES = 64 * 1024
_ERRORS = (ValueError, RecursionError)
"""What reading JSON raises; deeply nested JSON takes Python's stack."""

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pipes:
    """Four descriptors: ours, and those that become the agent's standard input and output."""

    output: int
    input: int
    theirs: tuple[int, int] = (-1, -1)

    @classmethod
    def open(cls) -> "Pipes":
        """Return new ones, ours without blocking."""
        their_input, ours_out = os.pipe()
        ours_in, their_output = os.pipe()
        os.set_blocking(ours_out, False)
        os.set_blocking(ours_in, False)
        return cls(ours_out, ours_in, (their_input, their_output))

    def close_theirs(self) -> None:
        """Leave the agent's ends to the agent alone."""
        for descriptor in self.theirs:
            os.close(descriptor)

    def close(self) -> None:
        """Close our ends."""
        os.close(self.output)
        os.close(self.input)


class Wire:
    """Sends and hears messages. `hear` gets each; `stray` gets what is no message, and what was too long for one."""

    def __init__(self, pipes: Pipes, hear: Callable[[Message], None], stray: Callable[[bytes], None]) -> None:
        self.finished = asyncio.Event()
        self.begun = bytearray()
        self.waiting = bytearray()
        self._pipes = pipes
        self._hear = hear
        self._stray = stray
        self._dropping = False
        self._reading = False
        self._held = False
        self.resume()

    def restore(self, begun: bytes, waiting: bytes) -> None:
        """Go on from before an upgrade: with a message that was half read, and what the agent has not read."""
        self.begun += begun
        self.waiting += waiting
        self._write()

    def send(self, message: Message) -> None:
        """Send a message, once the agent reads it. One that never does hears nothing and is heard no more."""
        self.waiting += json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":")).encode() + b"\n"
        self._write()

    def pause(self) -> None:
        """Leave what comes in the pipe."""
        self._held = True
        self._listen(on=False)

    def resume(self) -> None:
        """Read again."""
        self._held = False
        self._listen(on=True)

    def close(self) -> None:
        """Say and hear nothing more."""
        self._listen(on=False)
        self.finished.set()
        asyncio.get_running_loop().remove_writer(self._pipes.output)
        self._pipes.close()

    def _listen(self, *, on: bool) -> None:
        wanted = on and not self._held and not self.finished.is_set() and len(self.waiting) <= MAXIMUM_WAITING
        loop = asyncio.get_running_loop()
        if wanted and not self._reading:
            loop.add_reader(self._pipes.input, self._ready)
        elif self._reading and not wanted:
            loop.remove_reader(self._pipes.input)
        self._reading = wanted

    def _ready(self) -> None:
        try:
            data = os.read(self._pipes.input, _READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._listen(on=False)
            self.finished.set()
            if self.begun:
                self._take(bytes(self.begun))
            self.begun.clear()
            return
        self.begun += data
        while (end := self.begun.find(b"\n")) >= 0:
            line = bytes(self.begun[: end + 1])
            del self.begun[: end + 1]
            self._take(line)
        if len(self.begun) > MAXIMUM_LINE:
            self._dropping = True
            self.begun.clear()

    def _take(self, line: bytes) -> None:
        """Read one line. Programs that an agent starts print among its messages; what is none is shown as output."""
        if self._dropping:
            self._dropping = False
            self._stray(f"[a message of more than {MAXIMUM_LINE >> 20} MiB was dropped]\n".encode())
            return
        try:
            message = json.loads(line)
        except _ERRORS:
            message = None
        if isinstance(message, dict) and ("method" in message or "id" in message):
            self._hear(message)
        elif line.strip():
            self._stray(line)

    def _write(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self.waiting:
                del self.waiting[: os.write(self._pipes.output, self.waiting[:_READ_BYTES])]
            loop.remove_writer(self._pipes.output)
        except BlockingIOError:
            loop.add_writer(self._pipes.output, self._write)
        except OSError:  # it reads no more; that it ended shows in its terminal
            self.waiting.clear()
            loop.remove_writer(self._pipes.output)
        self._listen(on=not self._held)
