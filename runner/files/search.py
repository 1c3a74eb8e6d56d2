"""Searching lines and names: git does it, inside the sandbox, because it knows what it was told to ignore."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import re2
from stateroom.file.v1.file_pb2 import SearchMatch, SearchMatches
from stateroom.runner.v1 import file_service_pb2 as pb

from chassis.errors import InvalidField, Violation
from runner import program, repository
from runner.files import paths
from runner.files.errors import SearchFailed
from runner.git import Git
from runner.sandbox import Sandbox

TIME_LIMIT = 60.0
"""Seconds for one search."""

_AT_ONCE = 2  # searches: each takes all of the machine that it can get
_MESSAGE = 100  # matches in one message
_TEXT = 500  # characters of a line that are shown
_LINE = 1 << 20  # bytes of a line that are read: minified files have one of megabytes
_EXPRESSION = 1 << 20  # bytes that a compiled expression may take
_FINE = (0, 1)  # 1 says that nothing was found


@dataclass(frozen=True, slots=True)
class Search:
    """Searches in one room."""

    git: Git
    sandbox: Sandbox
    time_limit: float = TIME_LIMIT
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def run(self, request: pb.SearchFilesRequest) -> AsyncIterator[SearchMatches]:
        """Yield matches as they are found, in messages of some; the last says whether there are more.

        Raises:
            SearchFailed: with git's complaint, or after the time limit.
        InvalidField: names are to be searched for an expression.
        """
        parts = paths.parse(request.path)
        _expect_bounded(request)
        found: list[SearchMatch] = []
        count = 0
        try:
            async with (
                asyncio.timeout(self.time_limit),
                self._turns,
                aclosing(self._matches(request, parts)) as matches,
            ):
                async for match in matches:
                    if count == request.limit:
                        yield SearchMatches(matches=found, truncated=True)
                        return
                    found, count = [*found, match], count + 1
                    if len(found) == _MESSAGE:
                        yield SearchMatches(matches=found)
                        found = []
        except TimeoutError as error:
            cause = f"it took longer than {self.time_limit:g} seconds"
            raise SearchFailed(cause) from error
        yield SearchMatches(matches=found)

    async def _matches(self, request: pb.SearchFilesRequest, parts: Sequence[str]) -> AsyncGenerator[SearchMatch, None]:
        async with aclosing(self._records(_arguments(request, parts), b"\0" if request.names else b"\n")) as records:
            async for record in records:
                match = _name(record, request) if request.names else _line(record)
                if match is not None:
                    yield match

    async def _records(self, arguments: Sequence[str], separator: bytes) -> AsyncGenerator[bytes, None]:
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            streams = program.Streams(nothing, pipe, pipe)
            running = await program.start(self.sandbox, self.git.program(arguments, {}), streams)
        except program.CannotStart as error:
            raise SearchFailed(repository.redact(str(error))) from error
        try:
            async for record in _split(running.keeper.stdout, separator):
                yield record
            complaint = await running.keeper.stderr.read(_TEXT) if running.keeper.stderr else b""
            ended = await running.wait()
        finally:
            await asyncio.shield(running.kill())
        if ended.code not in _FINE:
            last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
            raise SearchFailed(repository.redact(last or f"git ended with {ended.code or ended.signal}"))


def _expect_bounded(request: pb.SearchFilesRequest) -> None:
    """Refuse what git would take for several texts, and an expression that RE2 refuses.

    git's own matcher knows no bounds: an expression that counts within a count takes gigabytes.
    """
    if request.names and request.regex:
        raise InvalidField(Violation("regex", "names are searched for a text only"))
    if "\n" in request.query:
        raise InvalidField(Violation("query", "has more than one line"))
    if not request.regex:
        return
    options = re2.Options()
    options.posix_syntax, options.max_mem, options.log_errors = True, _EXPRESSION, False
    try:
        re2.compile(request.query, options)
    except re2.error as exc:
        cause = exc.args[0].decode(errors="replace") if isinstance(exc.args[0], bytes) else str(exc.args[0])
        raise InvalidField(Violation("query", f"no regular expression: {cause[:100]}")) from exc


def _arguments(request: pb.SearchFilesRequest, parts: Sequence[str]) -> list[str]:
    where = ["--", "/".join(parts) or "."]
    if request.names:
        return ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", *where]
    how = ["--extended-regexp" if request.regex else "--fixed-strings", *(["-i"] if request.ignore_case else [])]
    return ["grep", "--untracked", "-I", "-z", "-n", "--column", "--no-color", *how, "-e", request.query, *where]


def _line(record: bytes) -> SearchMatch | None:
    """Return the match that git prints as `path NUL line NUL column NUL text`; None for a part of a longer line."""
    fields = record.split(b"\0", 3)
    if len(fields) < 4 or not (fields[1].isdigit() and fields[2].isdigit()):  # noqa: PLR2004  # as above
        return None
    path, line, column, text = fields
    shown = text.decode(errors="replace")[:_TEXT]
    return SearchMatch(path=paths.shown(os.fsdecode(path)), line=int(line), column=int(column), text=shown)


def _name(record: bytes, request: pb.SearchFilesRequest) -> SearchMatch | None:
    path = paths.shown(os.fsdecode(record))
    found = request.query.casefold() in path.casefold() if request.ignore_case else request.query in path
    return SearchMatch(path=path) if path and found else None


async def _split(stream: asyncio.StreamReader | None, separator: bytes) -> AsyncIterator[bytes]:
    """Yield what stands between separators, of each the beginning."""
    rest = b""
    while stream is not None and (data := await stream.read(64 * 1024)):
        *records, tail = (rest + data).split(separator)
        for record in records:
            yield record
        rest = tail[:_LINE]
    if rest:
        yield rest
