"""The command line in processes that need not load it first."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.support import warm


async def run(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, stdin: bytes
) -> tuple[int, bytes, bytes]:
    """Run `stateroom` and return its exit code and what it wrote to standard output and standard error."""
    (theirs, ours), *readers = os.pipe(), os.pipe(), os.pipe()
    given = (theirs, *(writer for _, writer in readers))
    command = await warm.start("cli.main", arguments, env=environment, cwd=folder, standard=given)
    for file in given:
        os.close(file)
    feeding = asyncio.to_thread(_feed, ours, stdin)
    _, (output, errors) = await asyncio.gather(feeding, asyncio.gather(*(_all(reader) for reader, _ in readers)))
    return await command.wait(), output, errors


def _feed(pipe: int, data: bytes) -> None:
    with suppress(BrokenPipeError), os.fdopen(pipe, "wb") as file:
        file.write(data)


async def _all(pipe: int) -> bytes:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(pipe, "rb", 0))
    try:
        return await reader.read()
    finally:
        transport.close()
