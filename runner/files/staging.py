"""A folder beside the workspace where content is put together: on the same disk, out of sight of the room's programs.

What is finished moves from here into the workspace in one step; what is to go moves here first.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from chassis import ids
from runner.files import beneath


@dataclass(frozen=True, slots=True)
class Staging:
    """The folder. Names in it are never used twice."""

    folder: Path

    @classmethod
    def emptied(cls, room: Path) -> "Staging":
        """Return the folder of a room without what a runner that was killed has left in it."""
        staging = cls(room / "staging")
        for left in staging.folder.iterdir():
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() and not left.is_symlink() else left.unlink()
        return staging

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Open the folder."""
        with beneath.descriptor(os.open(self.folder, beneath.DIRECTORY | os.O_CLOEXEC)) as opened:
            yield opened

    @contextmanager
    def file(self) -> Iterator[tuple[str, int]]:
        """Give a new file's name and its descriptor; at the end it is gone unless it was moved."""
        name = str(ids.new())
        with self.opened() as folder:
            opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
        try:
            with beneath.descriptor(opened):
                yield name, opened
        finally:
            (self.folder / name).unlink(missing_ok=True)

    @contextmanager
    def directory(self) -> Iterator[str]:
        """Give a new directory's name; at the end it is gone unless it was moved."""
        name = str(ids.new())
        (self.folder / name).mkdir(mode=0o700)
        try:
            yield name
        finally:
            self.remove(name)

    def take(self, name: str, folder: int) -> str:
        """Move an entry of another directory here and return what it is called now. OSError."""
        fresh = str(ids.new())
        with self.opened() as here:
            os.rename(name, fresh, src_dir_fd=folder, dst_dir_fd=here)
        return fresh

    def remove(self, name: str) -> None:
        """Delete an entry and all beneath it, as far as that is possible; the rest goes when a runner starts.

        Directories inside are moved up to here first, so that no depth is too much, and no path leads through anything
        that somebody could swap.
        """
        todo = [name]
        with self.opened() as here, suppress(OSError):
            while todo:
                todo += self._clear(todo.pop(), here)

    def _clear(self, name: str, here: int) -> list[str]:
        """Delete an entry but for the directories in it, whose new names are returned."""
        if not _is_directory(name, here):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=here)
            return []
        found = []
        with _writable(name, here) as opened:
            with os.scandir(opened) as entries:
                names = [each.name for each in entries]
            for each in names:
                if _is_directory(each, opened):
                    with _writable(each, opened):
                        found.append(self.take(each, opened))
                else:
                    os.unlink(each, dir_fd=opened)
        os.rmdir(name, dir_fd=here)
        return found


def _is_directory(name: str, folder: int) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


@contextmanager
def _writable(name: str, folder: int) -> Iterator[int]:
    """Open a directory after its owner, who we are, may do everything in it."""
    with beneath.descriptor(os.open(name, beneath.PLACE | os.O_DIRECTORY, dir_fd=folder)) as place:
        os.chmod(f"/proc/self/fd/{place}", 0o700)  # noqa: PTH101  # of a descriptor
        with beneath.descriptor(beneath.reopen(place, beneath.DIRECTORY)) as opened:
            yield opened
