"""Saves of this room as streams: the process that reads and writes them, and what it says."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from stateroom.runner.v1 import save_service_pb2 as pb

from chassis.errors import ServiceUnavailable
from chassis.settings import inherited
from runner.errors import SaveRefused
from runner.sandbox import Sandbox

PIECE = 1 << 20
"""Bytes of a message, but for the last."""

_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV")
_VAULT, _RESTORED = "vault.git", "restored.git"


@dataclass(frozen=True, slots=True)
class Saves:
    """Saves of one room, one at a time. They lie where no program of the room reaches them."""

    sandbox: Sandbox
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take(self, request: pb.TakeSaveRequest) -> AsyncGenerator[pb.TakeSaveResponse, None]:
        """Take a save; yield its pack, then its facts. Raises SaveRefused, ServiceUnavailable."""
        wish = {
            "save_id": request.save_id,
            "base": request.base_commit,
            "size_limit": request.size_limit,
            "with_ignored": request.with_ignored,
        }
        async with self._turn, self._process("pack", _VAULT, wish) as process:
            await _end_input(process)
            facts = await _answer(process)
            digest, size = sha256(), 0
            async for piece in _pieces(process.stdout):
                await asyncio.to_thread(digest.update, piece)
                size += len(piece)
                yield pb.TakeSaveResponse(data=piece)
            await _expect_success(process)
            yield pb.TakeSaveResponse(facts=pb.SaveFacts(sha256=digest.digest(), pack_bytes=size, **facts))

    async def restore(self, first: pb.RestoreSaveRequest, rest: AsyncIterator[pb.RestoreSaveRequest]) -> str:
        """Make the directory of a save. Returns its branch. Raises SaveRefused, ServiceUnavailable."""
        wish = {
            "save_id": first.save_id,
            "restoration": first.restoration,
            "commit": first.commit,
            "pack_bytes": list(first.pack_bytes),
        }
        async with self._turn, self._process("unpack", _RESTORED, wish) as process:
            assert process.stdin is not None  # noqa: S101  # for the type checker
            with suppress(BrokenPipeError, ConnectionResetError):  # it has ended, and says why
                process.stdin.write(first.data)
                async for request in rest:
                    process.stdin.write(request.data)
                    await process.stdin.drain()
            await _end_input(process)
            branch = str((await _answer(process))["branch"])
            await _expect_success(process)
            return branch

    @asynccontextmanager
    async def _process(
        self, action: str, vault: str, wish: dict[str, Any]
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start the process and tell it its wish; it is killed when the block leaves it."""
        room = self.sandbox.room
        defaults = {"restoration": "", "size_limit": 0, "with_ignored": True}
        place = {
            "action": action,
            "vault": str(room / vault),
            "room": str(room),
            "sandbox": self.sandbox.level.value,
            "hidden": [str(folder) for folder in self.sandbox.hidden],
        }
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "runner.snapshot"),  # -P: where we stand must not provide modules
            stdin=pipe,
            stdout=pipe,
            env=inherited(*_INHERITED),
            start_new_session=True,
            limit=PIECE,
        )
        try:
            assert process.stdin is not None  # noqa: S101  # for the type checker
            process.stdin.write(json.dumps(defaults | place | wish).encode() + b"\n")
            yield process
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


async def _end_input(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None  # noqa: S101  # for the type checker
    with suppress(BrokenPipeError, ConnectionResetError):
        await process.stdin.drain()
        process.stdin.close()


async def _answer(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """Return what the process says first. SaveRefused, ServiceUnavailable when it dies."""
    assert process.stdout is not None  # noqa: S101  # for the type checker
    line = await process.stdout.readline()
    if not line.endswith(b"\n"):
        raise ServiceUnavailable(service="saves")
    answer: dict[str, Any] = json.loads(line)
    if "refused" in answer:
        raise SaveRefused(answer["refused"])
    return answer


async def _pieces(stream: asyncio.StreamReader | None) -> AsyncIterator[bytes]:
    """Yield all that comes, in pieces of the same size but for the last."""
    assert stream is not None  # noqa: S101  # for the type checker
    more = True
    while more:
        try:
            piece = await stream.readexactly(PIECE)
        except asyncio.IncompleteReadError as error:
            piece, more = error.partial, False
        if piece:
            yield piece


async def _expect_success(process: asyncio.subprocess.Process) -> None:
    if await process.wait():
        raise ServiceUnavailable(service="saves")
