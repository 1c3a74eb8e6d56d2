"""Downloads that go on where they were: after a cut by themselves, after an interruption when asked again."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from cli.client import Client
from cli.errors import Passing, Unreachable, WrongUse
from cli.render import Output

RETRY_SECONDS = 0.5
GIVE_UP_SECONDS = 60.0
"""Without a byte. What has arrived stays, and the same command goes on with it."""
TOLD_BYTES = 1 << 20
"""After as many, a person is told how far it is."""


@dataclass(frozen=True, slots=True)
class Download:
    """Bytes that are the same whenever they are asked for; `offset` is the parameter that leaves out the first."""

    client: Client
    path: str
    parameters: dict[str, str]

    async def save(self, target: Path, output: Output) -> None:
        """Bring a file to its end and give it its name. WrongUse when it cannot be written."""
        part = self.part_of(target)
        try:
            with part.open("ab") as file:
                await self.write(file, file.tell(), output)
                size = file.tell()
            part.replace(target)
        except OSError as error:
            msg = f"{target} cannot be written: {error.strerror}."
            raise WrongUse(msg) from error
        output.say(f"{target}: {size} bytes.")

    def part_of(self, target: Path) -> Path:
        """Return what a file is called until it is whole: of each download by another name."""
        identity = sha256(repr((self.client.endpoint.url, self.path, self.parameters)).encode()).hexdigest()[:8]
        return target.with_name(f"{target.name}.{identity}.part")

    async def write(self, file: BinaryIO, offset: int, output: Output) -> None:
        """Write all from an offset on."""
        told = offset
        async with aclosing(self._bytes(offset)) as parts:
            async for data in parts:
                file.write(data)
                offset += len(data)
                if offset - told >= TOLD_BYTES and output.messages.is_terminal:
                    output.messages.print(f"{offset >> 20} MiB", end="\r")
                    told = offset
        file.flush()

    async def _bytes(self, offset: int) -> AsyncGenerator[bytes, None]:
        """Yield what there is from an offset on, over connections that are cut."""
        loop = asyncio.get_running_loop()
        heard = loop.time()
        while True:
            try:
                async with aclosing(self.client.download(self.path, **self.parameters, offset=offset)) as parts:
                    async for data in parts:
                        heard, offset = loop.time(), offset + len(data)
                        yield data
            except (Passing, Unreachable):
                if loop.time() > heard + GIVE_UP_SECONDS:
                    raise
            else:
                return
            await asyncio.sleep(RETRY_SECONDS)
