"""Watching a directory and all beneath it, whoever changes it."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from stateroom.file.v1.file_pb2 import FileChange, FileChanges

from runner.files import beneath, inotify, paths
from runner.files.errors import FileNotFound, WatchLimitReached, refusing

WINDOW = 0.02
"""Seconds for which changes are gathered, so that a build is a few messages and a save is soon heard of."""

_DIRECTORIES = 20_000
_MESSAGE = 1000  # changes in one message
_EXHAUSTED = {errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_TYPES = (
    (inotify.CREATE | inotify.MOVED_TO, FileChange.CREATED),
    (inotify.DELETE | inotify.MOVED_FROM, FileChange.DELETED),
    (inotify.MODIFY | inotify.ATTRIBUTES, FileChange.MODIFIED),
)


async def watch(folder: Path, path: str) -> AsyncIterator[FileChanges]:
    """Yield an empty message once the watch is on, then what changes.

    Raises:
        FileNotFound: there is no such directory, or not any more.
        WatchLimitReached: the machine, or we, allow no more.
    """
    top = "/".join(paths.parse(path))
    with _limited(path), beneath.descriptor(inotify.open_queue()) as queue:
        tree = _Tree(folder, top, queue)
        await asyncio.to_thread(tree.add, top)
        yield FileChanges()
        while True:
            await _readable(queue)
            await asyncio.sleep(WINDOW)
            for message in await asyncio.to_thread(tree.changes):
                yield message


class _Tree:
    """The directories that are watched, by the number of their watch, and what was seen in them."""

    def __init__(self, folder: Path, top: str, queue: int) -> None:
        self._folder = folder
        self._top = top
        self._queue = queue
        self._directories: dict[int, str] = {}
        self._seen: dict[str, FileChange] = {}

    def add(self, top: str) -> list[FileChange]:
        """Watch a directory and all in it that can be named, and return what was found there once the watch was on.

        OSError when it cannot be watched; those further down are passed over then.
        """
        found: list[FileChange] = []
        todo = [top]
        while todo:
            directory = todo.pop()
            try:
                entries = self._add_one(directory)
            except OSError as error:
                if directory == top or error.errno in _EXHAUSTED:
                    raise
                continue
            found += entries
            todo += [each.path for each in entries if each.directory]
        return found

    def changes(self) -> list[FileChanges]:
        """Return what the queue holds, as messages."""
        overflow = False
        for event in inotify.read(self._queue):
            if event.mask & inotify.OVERFLOW:
                overflow = True
            else:
                self._note(event)
        if overflow:
            self.add(self._top)  # directories may be new of which we were not told
        seen, self._seen = list(self._seen.values()), {}
        messages = [FileChanges(changes=seen[at : at + _MESSAGE]) for at in range(0, len(seen), _MESSAGE)]
        return [*messages, FileChanges(overflow=True)] if overflow else messages

    def _add_one(self, directory: str) -> list[FileChange]:
        if len(self._directories) >= _DIRECTORIES:
            raise WatchLimitReached(self._top)
        flags = beneath.DIRECTORY if directory == self._top else beneath.DIRECTORY | os.O_NOFOLLOW
        with beneath.opened_beneath(self._folder, [directory], flags) as opened:
            self._directories[inotify.watch(self._queue, opened)] = directory
            with os.scandir(opened) as entries:
                return [
                    _change(_join(directory, each.name), FileChange.CREATED, each.is_dir(follow_symlinks=False))
                    for each in entries
                    if each.name != paths.GIT
                ]

    def _note(self, event: inotify.Event) -> None:
        directory = self._directories.get(event.watch)
        if directory is None:
            return
        if event.mask & inotify.IGNORED:
            del self._directories[event.watch]
        if directory == self._top and event.mask & (inotify.IGNORED | inotify.MOVED_ITSELF):
            raise FileNotFound(self._top)
        if not event.name or event.name == paths.GIT:
            return
        path, is_directory = _join(directory, event.name), bool(event.mask & inotify.IS_DIRECTORY)
        change = _change(path, next(type_ for mask, type_ in _TYPES if event.mask & mask), is_directory)
        self._see(change)
        if is_directory and event.mask & inotify.MOVED_FROM:
            self._forget(path)
        elif is_directory and change.type == FileChange.CREATED:
            self._add_new(path)

    def _add_new(self, path: str) -> None:
        try:
            for change in self.add(path):
                self._see(change)
        except OSError as error:
            if error.errno in _EXHAUSTED:
                raise

    def _see(self, change: FileChange) -> None:
        """Keep the last that happened to a path; what was created and then filled was created."""
        before = self._seen.get(change.path)
        if before is None or (before.type, change.type) != (FileChange.CREATED, FileChange.MODIFIED):
            self._seen[change.path] = change

    def _forget(self, path: str) -> None:
        """End the watches of a directory that was moved: where it is now, if anywhere, it is new."""
        gone = [number for number, each in self._directories.items() if f"{each}/".startswith(f"{path}/")]
        for number in gone:
            del self._directories[number]
            inotify.unwatch(self._queue, number)


def _join(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name


def _change(path: str, type_: FileChange.Type.ValueType, directory: bool) -> FileChange:  # noqa: FBT001  # a field
    return FileChange(path=paths.shown(path), type=type_, directory=directory)


@contextmanager
def _limited(path: str) -> Iterator[None]:
    with refusing(path):
        try:
            yield
        except OSError as error:
            if error.errno in _EXHAUSTED:
                raise WatchLimitReached(path) from error
            raise


async def _readable(queue: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(queue, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(queue)
