"""A bare repository of ours that keeps the snapshots of one workspace, each under a reference of its own.

git is called on this repository only. What lies in a room comes in as bytes: it is never a repository to git here, so
neither its configuration nor its attributes, hooks or objects mean anything.
"""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from runner import repository
from runner.snapshot.errors import Refused

_OPTIONS = tuple(
    part
    for option in (
        "core.bigFileThreshold=1m",  # larger files pass through without standing in memory
        "core.compression=1",  # most of the bytes are packs, which are compressed
        "core.fsync=all",
        "core.protectHFS=false",  # names are bytes here, and are checked out by nobody
        "core.protectNTFS=false",
        "fsck.hasDotgit=ignore",
        "fastimport.unpackLimit=0",
        "gc.auto=0",
        "pack.depth=0",
        "pack.window=0",  # looking for similar files would take minutes
        "safe.directory=*",
    )
    for part in ("-c", option)
)
_FORMAT = ("--template=", "--object-format=sha1", "--bare", "--quiet")


@dataclass(frozen=True, slots=True)
class Vault:
    """The snapshots of one workspace."""

    folder: Path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process out, also one that outlived the service which had started it."""
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(f"{self.folder}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def prepare(self) -> None:
        """Make the repository where there is none, and drop what somebody who died had begun."""
        self._say("init", *_FORMAT, "--", str(self.folder), where=())
        self.folder.chmod(0o700)
        for left in (*self.folder.glob("objects/pack/tmp_*"), *self.folder.glob("fast_import_crash_*")):
            left.unlink()

    def has(self, reference: str) -> bool:
        """Whether there is a snapshot of this name."""
        return self._succeeds("rev-parse", "--verify", "--quiet", reference)

    def holds(self, commit: str) -> bool:
        """Whether there is a commit, and so all that belongs to it."""
        return self._succeeds("cat-file", "-e", f"{commit}^{{tree}}")

    def commit(self, reference: str) -> str:
        """Return the commit of a snapshot. Refused when there is none."""
        return self._say("rev-parse", "--verify", "--quiet", reference).decode().strip()

    def is_sound(self, reference: str) -> bool:
        """Whether every byte of a snapshot that is there can be read, which is done for that."""
        return self._succeeds("fsck", "--no-dangling", "--no-reflogs", reference)

    def set_aside(self) -> None:
        """Keep the repository under another name, so that the next snapshot rests on nothing that it has."""
        if self.folder.exists():
            self.folder.rename(self.folder.with_suffix(f".damaged-{time.time_ns()}"))

    def remove(self, reference: str) -> None:
        """Forget a snapshot and what only it needed. One that is not there is no error."""
        if self.has(reference):
            self._say("update-ref", "-d", reference)
        if self._succeeds("rev-parse", "--git-dir") and self._say("for-each-ref", "--count=1"):
            self._say("gc", "--prune=now", "--quiet")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def read(self, *arguments: str) -> bytes:
        """Return what git prints. Refused with its complaint."""
        return self._say(*arguments)

    @contextmanager
    def process(
        self, *arguments: str, output: int | IO[bytes] = subprocess.PIPE
    ) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a git that is talked to; it is killed when the block fails. Refused with its complaint."""
        pipe = subprocess.PIPE
        running = subprocess.Popen(  # noqa: S603  # no shell, and nothing of a room's
            self._command(*arguments), stdin=pipe, stdout=output, stderr=pipe, env=repository.ENVIRONMENT
        )
        try:
            with suppress(BrokenPipeError):  # it ended, and says why
                yield running
        except BaseException:
            running.kill()
            running.communicate()
            raise
        said = running.communicate()[1]
        if running.returncode:
            raise Refused(_complaint(said))

    def _say(self, *arguments: str, where: Sequence[str] | None = None) -> bytes:
        done = subprocess.run(  # noqa: S603  # no shell, and nothing of a room's
            self._command(*arguments, where=where), env=repository.ENVIRONMENT, capture_output=True, check=False
        )
        if done.returncode:
            raise Refused(_complaint(done.stderr))
        return done.stdout

    def _succeeds(self, *arguments: str) -> bool:
        done = subprocess.run(  # noqa: S603  # no shell, and nothing of a room's
            self._command(*arguments), env=repository.ENVIRONMENT, capture_output=True, check=False
        )
        if done.returncode < 0:  # it was killed, which says nothing
            done.check_returncode()
        return done.returncode == 0

    def _command(self, *arguments: str, where: Sequence[str] | None = None) -> list[str]:
        chosen = (f"--git-dir={self.folder}",) if where is None else where
        return [repository.GIT, *repository.SAFE_OPTIONS, *_OPTIONS, *chosen, *arguments]


def _complaint(said: bytes) -> str:
    lines = [line for line in said.decode(errors="replace").splitlines() if line.startswith(("fatal:", "error:"))]
    return repository.redact(lines[0] if lines else "git failed")
