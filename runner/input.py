"""What is typed into a terminal: in order, once, and only under the newest lease."""

import asyncio
import os
from collections import OrderedDict

from chassis import faults
from runner.errors import LeaseEpochStale, TerminalEnded
from runner.handover import InputState

REMEMBERED_WRITES = 1024
"""Writes whose repetition types nothing: far more than a client can have without an answer."""

_MAXIMUM_REPLIES = 64 * 1024
"""Bytes of answers that wait for a program that asks but does not read; what is more is dropped."""

_AFTER_TYPING = faults.Point("runner.after_typing", "Bytes were typed, and their sender has no answer.")


class Input:
    """The writing end of a terminal. It never blocks: a caller waits while the program does not read."""

    def __init__(self, session_id: str, descriptor: int) -> None:
        self.epoch = 0
        self._session_id = session_id
        self._descriptor = descriptor
        self._lock = asyncio.Lock()
        self._typed: OrderedDict[str, int] = OrderedDict()
        self._replies = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False

    def state(self) -> InputState:
        """Return what the code after an upgrade needs of it."""
        return InputState(self.epoch, self._typed, bytes(self._replies))

    def restore(self, state: InputState) -> None:
        """Go on from before an upgrade."""
        self.epoch = state.epoch
        self._typed.update(state.typed)
        self._replies += state.replies
        self._flush()

    @property
    def waiting(self) -> bool:
        """Whether a write waits for the program to read."""
        return self._waiter is not None

    def claim(self, epoch: int) -> None:
        """Note the lease of a caller; whoever waits with an older one is refused at once.

        Raises:
            LeaseEpochStale: a newer lease was seen.
        """
        if epoch < self.epoch:
            raise LeaseEpochStale(epoch, self.epoch)
        if epoch > self.epoch:
            self.epoch = epoch
            self._wake()

    async def write(self, data: bytes, epoch: int, write_id: str) -> None:
        """Type bytes and return once the terminal has them all.

        A repeated `write_id` types what an earlier attempt left untyped: nothing, when that one was whole.

        Raises:
            LeaseEpochStale: a newer lease was seen, before or meanwhile.
            TerminalEnded: the terminal ended, before or meanwhile.
        """
        self.claim(epoch)
        async with self._lock:
            try:
                await self._type(data, epoch, write_id)
            finally:
                self._flush()

    def reply(self, data: bytes) -> None:
        """Type an answer of the terminal itself, after what is being typed."""
        if len(self._replies) + len(data) <= _MAXIMUM_REPLIES:
            self._replies += data
        if not self._lock.locked():
            self._flush()

    def close(self) -> None:
        """Type nothing more; those who wait get TerminalEnded."""
        self._ended = True
        asyncio.get_running_loop().remove_writer(self._descriptor)
        self._wake()

    async def _type(self, data: bytes, epoch: int, write_id: str) -> None:
        done = self._typed.get(write_id, 0) if write_id else 0
        while True:
            self._expect(epoch)
            try:
                if done < len(data):
                    done += os.write(self._descriptor, data[done:])
            except BlockingIOError:
                await self._writable()
                continue
            except OSError as error:
                raise TerminalEnded(self._session_id) from error
            if write_id:
                self._remember(write_id, done)
            if done >= len(data):
                _AFTER_TYPING.reach()
                return

    def _expect(self, epoch: int) -> None:
        if self._ended:
            raise TerminalEnded(self._session_id)
        if epoch < self.epoch:
            raise LeaseEpochStale(epoch, self.epoch)

    def _remember(self, write_id: str, done: int) -> None:
        self._typed[write_id] = done
        if len(self._typed) > REMEMBERED_WRITES:
            self._typed.popitem(last=False)

    def _flush(self) -> None:
        if not self._replies or self._ended:
            return
        loop = asyncio.get_running_loop()
        try:
            written = os.write(self._descriptor, self._replies)
        except BlockingIOError:
            loop.add_writer(self._descriptor, self._on_writable)
            return
        except OSError:
            written = len(self._replies)
        del self._replies[:written]
        if self._replies:
            loop.add_writer(self._descriptor, self._on_writable)

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        loop.add_writer(self._descriptor, self._on_writable)
        try:
            await self._waiter
        finally:
            self._waiter = None
            loop.remove_writer(self._descriptor)

    def _on_writable(self) -> None:
        asyncio.get_running_loop().remove_writer(self._descriptor)
        if self._waiter is None:
            self._flush()
        else:
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
