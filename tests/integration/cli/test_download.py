"""Downloads over connections that are cut, and on top of what an interrupted one left."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cli.client import Client
from cli.download import Download
from cli.endpoint import Endpoint
from cli.render import Output

CONTENT = bytes(range(256)) * 1000


@asynccontextmanager
async def _server(asked: list[int], cut_after: int) -> AsyncIterator[Endpoint]:
    """Serve the content from the offset that is asked for, and drop the connection after so many bytes of it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"offset=(\d+)", head)
        assert found
        asked.append(int(found[1]))
        rest = CONTENT[asked[-1] :]
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(rest))
        writer.write(rest[:cut_after])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Endpoint(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "srk_test")


async def test_download_that_is_cut_and_was_begun_before_is_whole(tmp_path: Path) -> None:
    """Each connection is asked for what is missing, the first for what an earlier run left; no part is left over."""
    asked: list[int] = []
    target = tmp_path / "file"
    async with _server(asked, 100_000) as endpoint, Client(endpoint) as client:
        download = Download(client, "/export", {"format": "CAST"})
        download.part_of(target).write_bytes(CONTENT[:50])
        assert download.part_of(target) != Download(client, "/export", {"format": "TEXT"}).part_of(target)
        await download.save(target, Output(as_json=True, colour=False))
    assert target.read_bytes() == CONTENT
    assert asked == [50, 100_050, 200_050]
    assert list(tmp_path.iterdir()) == [target]
