"""A buffer in a local file, while an editor of this machine has it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cli.client import Client, Json
from cli.errors import Refused, WrongUse

_PIECE = 1 << 16
"""Characters sent at once: twelve bytes of JSON each at most, of the mebibyte that the gateway takes."""


@dataclass(slots=True)
class Draft:
    """What the server has of the text, and where the editor writes it."""

    client: Client
    buffer: Json
    file: Path
    tried: str = ""
    """The text that the last edit was to make."""

    def write(self) -> None:
        """Write the buffer's text into the file."""
        self.file.write_bytes(self.buffer["text"].encode())

    async def send(self) -> None:
        """Bring what the editor has written into the buffer, where it is safe. Refused when somebody else edited."""
        try:
            text = self.file.read_bytes().decode()
        except ValueError as error:
            msg = f"{self.file} is not UTF-8, so it was not sent."
            raise WrongUse(msg) from error
        try:
            await self._change(text)
        except Refused as refusal:
            if refusal.reason != "BUFFER_CHANGED" or not await self._was_applied():
                raise
            await self._change(text)

    async def _was_applied(self) -> bool:
        """Whether what stands there is our own last edit, whose answer was lost; it is then what we go on from."""
        current = await self.client.get(f"/v1/buffers/{self.buffer['bufferId']}")
        applied = bool(current["text"] == self.tried)
        self.buffer = current if applied else self.buffer
        return applied

    async def _change(self, text: str) -> None:
        for start, end, piece in changes(self.buffer["text"], text):
            await self._edit(start, end, piece)

    async def _edit(self, start: int, end: int, piece: str) -> None:
        before = self.buffer["text"]
        body = {
            "baseRevision": self.buffer["revision"],
            "edits": [{"start": start, "end": end, "text": piece}],
        }
        self.tried = before[:start] + piece + before[end:]
        edited = await self.client.post(f"/v1/buffers/{self.buffer['bufferId']}:edit", body)
        self.buffer = edited | {"text": self.tried}


def changes(before: str, after: str) -> Iterator[tuple[int, int, str]]:
    """Yield edits that make one text another, one after another: the part in which they differ, in pieces."""
    if before == after:
        return
    shorter = min(len(before), len(after))
    start = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    rest = shorter - start
    same = next((at for at in range(rest) if before[-1 - at] != after[-1 - at]), rest)
    end, new = len(before) - same, after[start : len(after) - same]
    yield start, end, new[:_PIECE]
    for at in range(_PIECE, len(new), _PIECE):
        yield start + at, start + at, new[at : at + _PIECE]
