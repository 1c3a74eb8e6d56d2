"""Sites that steps make requests to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

ALLOWED = "127.0.0.2"
"""The address that the service under test may reach, though it is not public."""


class Site:
    """An HTTP server that answers each path as a test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""

    def answer(self, path: str, content: bytes = b"", status: str = "200 OK", **headers: str) -> None:
        """Say how a path is answered; a header's name has _ for -."""
        told = {"Content-Length": str(len(content)), "Connection": "close"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self.answers[path] = f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + content

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked.append((first.removesuffix(" HTTP/1.1"), headers, body))
        writer.write(self.answers[first.split()[1].partition("?")[0]])
        writer.close()


@asynccontextmanager
async def open_site() -> AsyncIterator[Site]:
    """Open a site where the service may reach it."""
    made = Site()
    async with await asyncio.start_server(made.serve, ALLOWED, 0) as server:
        made.url = f"http://{ALLOWED}:{server.sockets[0].getsockname()[1]}"
        yield made
