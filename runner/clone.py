"""Makes the workspace's directory: a clone made inside the sandbox, or a fresh repository."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from runner import prepared, program, repository
from runner.errors import CloneFailed
from runner.sandbox import Program, Sandbox

_INCOMING = "incoming"
_TIME_LIMIT = 3600.0
"""Seconds for one clone: enough for a huge repository on a slow line, an end for one that hangs."""

_PROGRESS = re.compile(r"^(?:remote: )?([A-Z][A-Za-z ]{2,40}): +(\d{1,3})%")
_LINE_END = re.compile(rb"[\r\n]")
_LINE_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Progress:
    """A step under way and its percent; `branch` is set once, when the directory is ready."""

    step: str
    percent: int
    branch: str | None = None


class Workspace:
    """The directory of a room. `prepared` is a fact on disk, so it survives the runner."""

    def __init__(self, room: Path, sandbox: Sandbox, *, allow_local: bool) -> None:
        self._room = room
        self._sandbox = sandbox
        self._allow_local = allow_local
        self._lock = asyncio.Lock()

    @property
    def prepared(self) -> bool:
        """Whether the directory is ready."""
        return prepared.is_prepared(self._room)

    @property
    def preparing(self) -> bool:
        """Whether the directory is being made now."""
        return self._lock.locked()

    @asynccontextmanager
    async def resting(self) -> AsyncIterator[None]:
        """Wait until nobody makes the directory, and keep everybody from it."""
        async with self._lock:
            yield

    async def prepare(self, url: str, branch: str) -> AsyncIterator[Progress]:
        """Make the directory and tell how far it is; a finished one is left as it is.

        Args:
            url: an https URL, an absolute path where the installation allows it, or empty for a fresh repository.
            branch: empty for the remote's default, or `main`.

        Raises:
            CloneFailed: the repository is refused, or git could not get it.
        """
        async with self._lock:
            if not self.prepared:
                source = repository.check(url, branch, self._sandbox.hidden if self._allow_local else None)
                async for progress in self._make(source, branch):
                    yield progress
            yield Progress("Ready", 100, prepared.branch(self._room))

    async def _make(self, source: repository.Source, branch: str) -> AsyncIterator[Progress]:
        incoming = self._room / _INCOMING
        await asyncio.to_thread(shutil.rmtree, incoming, ignore_errors=True)
        incoming.mkdir(mode=0o700)
        try:
            async with asyncio.timeout(_TIME_LIMIT):
                async for progress in self._git(source, repository.fetch_arguments(source, branch, incoming)):
                    yield progress
                if source.url and str(source.local or source.url) != source.url:
                    await self._quietly(source, ["-C", str(incoming), "remote", "set-url", "origin", source.url])
                head = await self._quietly(source, ["-C", str(incoming), "symbolic-ref", "--short", "HEAD"])
        except TimeoutError as error:
            raise CloneFailed(repository.Refusal.TIME) from error
        await asyncio.to_thread(prepared.finish, self._room, incoming, head)

    async def _quietly(self, source: repository.Source, arguments: list[str]) -> str:
        lines = [line async for line in self._lines(source, arguments)]
        return lines[-1] if lines else ""

    async def _git(self, source: repository.Source, arguments: list[str]) -> AsyncIterator[Progress]:
        async for line in self._lines(source, arguments):
            if found := _PROGRESS.match(line):
                yield Progress(found[1], min(int(found[2]), 100))

    async def _lines(self, source: repository.Source, arguments: list[str]) -> AsyncIterator[str]:
        """Run git inside the sandbox and hand on what it says, line by line; CloneFailed with its last complaint."""
        described = Program(
            (repository.GIT, *repository.SAFE_OPTIONS, *source.options, *arguments),
            repository.ENVIRONMENT,
            self._room / _INCOMING,
            readable=[source.local] if source.local else [],
            writable=[self._room / _INCOMING],
        )
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            running = await program.start(
                self._sandbox, described, program.Streams(nothing, pipe, asyncio.subprocess.STDOUT)
            )
        except program.CannotStart as error:
            raise CloneFailed(repository.redact(str(error))) from error
        try:
            complaint = ""
            async for line in _split(running.keeper.stdout):
                complaint = line if line.startswith(("fatal:", "error:")) or not complaint else complaint
                yield line
            ended = await running.wait()
        finally:
            await asyncio.shield(running.kill())
        if ended.code != 0:
            raise CloneFailed(repository.redact(complaint or f"git ended with {ended.code or ended.signal}"))


async def _split(stream: asyncio.StreamReader | None) -> AsyncIterator[str]:
    rest = b""
    while stream is not None and (data := await stream.read(_LINE_LIMIT)):
        *lines, rest = _LINE_END.split(rest + data)
        rest = rest[-_LINE_LIMIT:]
        for line in lines:
            if line.strip():
                yield line.decode(errors="replace").strip()
    if rest.strip():
        yield rest.decode(errors="replace").strip()
