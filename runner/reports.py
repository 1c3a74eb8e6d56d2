"""What a keeper says of its program: a few words in a pipe, all of which are kept."""

import asyncio
import os

_READ_BYTES = 4096


class Reports:
    """Lines from a keeper. They stay, so that whoever goes on after an upgrade finds those that were read before."""

    def __init__(self, descriptor: int, said: bytes = b"") -> None:
        """Begin to read; the descriptor is ours from now on, -1 when the pipe was read to its end before."""
        self.said = said
        self.descriptor = descriptor
        self._more = asyncio.Event()
        if descriptor >= 0:
            os.set_blocking(descriptor, False)
            asyncio.get_running_loop().add_reader(descriptor, self._ready)

    async def find(self, *words: str) -> str:
        """Return the first line that begins with one of the words; empty when the keeper is gone without saying one."""
        while True:
            for line in self.said.decode(errors="replace").split("\n")[:-1]:
                if line.partition(" ")[0] in words:
                    return line
            if self.descriptor < 0:
                return ""
            self._more.clear()
            await self._more.wait()

    def _ready(self) -> None:
        try:
            read = os.read(self.descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        self.said += read
        if not read:
            asyncio.get_running_loop().remove_reader(self.descriptor)
            os.close(self.descriptor)
            self.descriptor = -1
        self._more.set()
