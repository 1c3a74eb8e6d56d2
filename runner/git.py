"""git in a tree that somebody works in: inside the sandbox, reading only, and with nothing of the tree's own run."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

from stateroom.git.v1.git_status_pb2 import Commit, GitStatus

from runner import program, repository
from runner.errors import GitFailed
from runner.porcelain import StatusReader
from runner.sandbox import Program, Sandbox

T = TypeVar("T")
Stream: TypeAlias = asyncio.StreamReader | None
Reader: TypeAlias = Callable[[Stream], Awaitable[T]]

TIME_LIMIT = 20.0
"""Seconds for one answer: enough for a huge tree, and less than people wait."""

_READ = 64 * 1024  # bytes at once; also the longest record, which holds a path, and all that is read of anything else
_LENGTH = 200  # characters of a name or subject that are shown

_OPTIONS = ("--no-pager", "--literal-pathspecs", "-c", "diff.renameLimit=1000")
_ENVIRONMENT = repository.ENVIRONMENT | {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ALLOW_PROTOCOL": "none",  # whatever is missing is not fetched
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
}
_STATUS = (
    *("status", "--porcelain=v2", "--branch", "-z", "--ahead-behind", "--find-renames"),
    *("--untracked-files=normal", "--ignored=no", "--ignore-submodules=dirty"),
)
_FILTERS = ("config", "--null", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$")
_COMMIT = ("rev-list", "--max-count=1", "--encoding=UTF-8", "--format=%an%x00%at%x00%s")
_LAST_SECOND = 253_402_300_799  # of the year 9999, the last that a Timestamp holds
_OPERATIONS = {
    "rebase-merge": GitStatus.REBASE,
    "rebase-apply": GitStatus.APPLY,
    "MERGE_HEAD": GitStatus.MERGE,
    "CHERRY_PICK_HEAD": GitStatus.CHERRY_PICK,
    "REVERT_HEAD": GitStatus.REVERT,
    "BISECT_LOG": GitStatus.BISECT,
}
"""What git leaves in its folder while an operation is under way; the first that is there counts."""


class Git:
    """git in one room; one process at a time, so that many who ask do not load the machine."""

    def __init__(self, room: Path, sandbox: Sandbox, time_limit: float = TIME_LIMIT) -> None:
        self._time_limit = time_limit
        self._files = room / "files"
        self._home = room / "home"
        self._sandbox = sandbox
        self._lock = asyncio.Lock()

    async def status(self) -> GitStatus:
        """Return the status of the checkout. GitFailed with git's complaint, or after the time limit."""
        async with self._lock:
            try:
                async with asyncio.timeout(self._time_limit):
                    return await self._status()
            except TimeoutError as error:
                cause = f"it took longer than {self._time_limit:g} seconds"
                raise GitFailed(cause) from error

    def program(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Program:
        """Return git with these arguments: read-only, and with nothing of the tree's own that could run."""
        where = (f"--git-dir={self._files}/.git", f"--work-tree={self._files}")
        return Program(
            (repository.GIT, *_OPTIONS, *repository.SAFE_OPTIONS, *where, *arguments),
            {**_ENVIRONMENT, **environment},
            self._files,
            readable=[self._files, self._home],
            writable=[],
        )

    async def _status(self) -> GitStatus:
        read = await self._run(_STATUS, await self._without_filters(), _read_status)
        if read.commit_id:
            read.status.last_commit.CopyFrom(await self._commit(read.commit_id))
        read.status.operation = self._operation()
        return read.status

    async def _without_filters(self) -> dict[str, str]:
        """Return the environment that empties every filter: git runs them to compare files whose times changed."""
        listed = await self._run(_FILTERS, {}, _beginning, fine=(0, 1))
        if len(listed) == _READ:
            cause = "its configuration has too many filters"
            raise GitFailed(cause)
        names = [name.decode(errors="surrogateescape") for name in dict.fromkeys(listed.split(b"\0")) if name]
        environment = {"GIT_CONFIG_COUNT": str(len(names))}
        for number, name in enumerate(names):
            environment[f"GIT_CONFIG_KEY_{number}"] = name
            environment[f"GIT_CONFIG_VALUE_{number}"] = "false" if name.endswith(".required") else ""
        return environment

    async def _commit(self, commit_id: str) -> Commit:
        text = (await self._run((*_COMMIT, commit_id, "--"), {}, _beginning)).decode(errors="replace")
        name, seconds, subject = (*text.partition("\n")[2].split("\0"), "", "", "")[:3]
        commit = Commit(commit_id=commit_id, author_name=_line(name), subject=_line(subject))
        if re.fullmatch("[0-9]{1,12}", seconds) and int(seconds) <= _LAST_SECOND:
            commit.author_time.FromSeconds(int(seconds))
        return commit

    def _operation(self) -> GitStatus.Operation.ValueType:
        """Return the operation under way, without following a link out of the room."""
        try:
            folder = os.open(self._files / ".git", os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            return GitStatus.OPERATION_UNSPECIFIED
        try:
            return next(
                (is_ for name, is_ in _OPERATIONS.items() if _exists(name, folder)), GitStatus.OPERATION_UNSPECIFIED
            )
        finally:
            os.close(folder)

    async def _run(
        self, arguments: Sequence[str], environment: Mapping[str, str], read: Reader[T], fine: Sequence[int] = (0,)
    ) -> T:
        """Run git to its end and return what `read` made of its output. GitFailed unless it ends with a fine code."""
        described = self.program(arguments, environment)
        pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            running = await program.start(self._sandbox, described, program.Streams(nothing, pipe, pipe))
        except program.CannotStart as error:
            raise GitFailed(repository.redact(str(error))) from error
        try:
            made, complaint = await asyncio.gather(read(running.keeper.stdout), _beginning(running.keeper.stderr))
            ended = await running.wait()
        finally:
            await asyncio.shield(running.kill())
        if ended.code not in fine:
            last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
            raise GitFailed(repository.redact(last or f"it ended with {ended.code or ended.signal}"))
        return made


async def _read_status(stream: Stream) -> StatusReader:
    reader = StatusReader()
    async for record in _records(stream):
        reader.read(record)
    return reader


async def _records(stream: Stream) -> AsyncIterator[bytes]:
    """Yield what stands between NUL bytes. GitFailed for more than any path can be."""
    rest = b""
    while stream is not None and (data := await stream.read(_READ)):
        *records, rest = (rest + data).split(b"\0")
        if len(rest) > _READ:
            cause = "a name in the repository is longer than any path"
            raise GitFailed(cause)
        for record in records:
            yield record


async def _beginning(stream: Stream) -> bytes:
    """Read to the end and return the beginning."""
    kept = b""
    while stream is not None and (data := await stream.read(_READ)):
        kept = (kept + data)[:_READ]
    return kept


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:_LENGTH]


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True
