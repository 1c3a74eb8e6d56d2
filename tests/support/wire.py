"""WebSocket frames as bytes: those that RFC 6455 allows, and those that no client of ours would send."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hypothesis import strategies as st

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_MASK = b"\1\2\3\4"
_SHORT, _MEDIUM = 126, 127
_JSON = (
    "ack",
    "resize",
    "input",
    "attach",
    "takeControl",
    "nope",
    '"',
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "1",
    "-1",
    "1e999",
)


def frame(
    opcode: int, data: bytes = b"", *, first: int = 0x80, masked: bool = True, claimed: int | None = None
) -> bytes:
    """Return one frame; `first` are the bits above the opcode, 0x80 of them for the last of a message.

    `claimed` is the length that it gives for itself, when that is another than it has.
    """
    length, mask = len(data) if claimed is None else claimed, 0x80 if masked else 0
    head = bytes([first | opcode])
    if length < _SHORT:
        head += bytes([mask | length])
    elif length < 1 << 16:
        head += bytes([mask | _SHORT]) + struct.pack("!H", length)
    else:
        head += bytes([mask | _MEDIUM]) + struct.pack("!Q", length)
    if not masked:
        return head + data
    key = int.from_bytes((_MASK * (len(data) // 4 + 1))[: len(data)])
    return head + _MASK + (int.from_bytes(data) ^ key).to_bytes(len(data))


def any_frames() -> st.SearchStrategy[bytes]:
    """Return a strategy for what a client may send: frames of every kind, right or not, and bytes that are none."""
    text = st.lists(st.sampled_from(_JSON) | st.text(max_size=5), max_size=12).map("".join)
    said = st.sampled_from(['{"ack":{"offset":"404"}}', '{"resize":{"columns":90,"rows":30}}', "{}", "[]", "null"])
    data = st.binary(max_size=200) | (text | said).map(lambda made: made.encode("utf-8", "surrogatepass"))
    lengths = (
        st.none() | st.none() | st.none() | st.sampled_from([0, 1, 125, 126, 1 << 16, 1 << 31, 1 << 63, (1 << 64) - 1])
    )
    opcodes = st.sampled_from([CONTINUATION, TEXT, TEXT, BINARY, CLOSE, PING, PONG]) | st.integers(0, 15)
    firsts = st.sampled_from([0x80, 0x80, 0x80, 0, 0xC0, 0xF0])
    masks = st.sampled_from([True, True, True, True, False])
    one = st.builds(
        lambda opcode, data, first, masked, claimed: frame(opcode, data, first=first, masked=masked, claimed=claimed),
        *(opcodes, data, firsts, masks, lengths),
    )
    return st.lists(one | st.binary(max_size=30), max_size=12).map(b"".join)


@dataclass(frozen=True, slots=True)
class Wire:
    """The connection of a client that knows no rules."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes. The other side may have hung up."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            return

    async def receive(self) -> tuple[int, bytes] | None:
        """Return the next frame's opcode and data; None when the connection is over."""
        try:
            first, second = await self.reader.readexactly(2)
            length = second
            if length == _SHORT:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif length == _MEDIUM:
                (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 15, await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def rest(self) -> list[tuple[int, bytes]]:
        """Hang up, and return all that comes before the other side does too."""
        if not self.writer.transport.is_closing():
            self.writer.write_eof()
        frames = []
        while (received := await self.receive()) is not None:
            frames.append(received)
        return frames


@asynccontextmanager
async def upgraded(listen: str, path: str, credential: str) -> AsyncIterator[Wire]:
    """Connect and finish the handshake."""
    reader, writer = await asyncio.open_connection(*listen.split(":"))
    head = (
        f"GET {path} HTTP/1.1\r\nHost: {listen}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {credential}\r\n\r\n"
    )
    writer.write(head.encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 101 "), answer
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()
