"""Repositories to clone."""

import asyncio
import os
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.defpath,
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}
"""An environment in which git knows a person and no configuration but a repository's own."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A repository on this machine: `README.md` on `main`, `other.txt` beside it on `other`."""

    folder: Path

    @property
    def url(self) -> str:
        """Its path, which installations that allow local repositories clone."""
        return str(self.folder)

    async def commit(self, name: str, content: bytes) -> None:
        """Add a file to what is checked out."""
        (self.folder / name).write_bytes(content)
        await self._git("add", name)
        await self._git("commit", "--quiet", "-m", name)

    async def branch(self, name: str) -> None:
        """Begin a branch and check it out."""
        await self._git("switch", "--quiet", "-c", name)

    async def switch(self, name: str) -> None:
        """Check a branch out."""
        await self._git("switch", "--quiet", name)

    async def _git(self, *arguments: str) -> None:
        await run_git(self.folder, *arguments)


async def run_git(folder: Path, *arguments: str, fine: Container[int] = (0,), **variables: str) -> str:
    """Run git in a folder, with variables, and return what it prints. AssertionError unless its code is fine."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "git", "-C", str(folder), *arguments, env=ENVIRONMENT | variables, stdout=pipe, stderr=pipe
    )
    output, errors = await process.communicate()
    assert process.returncode in fine, (arguments, errors)
    return output.decode(errors="surrogateescape")


async def make_origin(folder: Path) -> Origin:
    """Make the repository."""
    await run_git(folder, "init", "--quiet", "-b", "main")
    origin = Origin(folder)
    await origin.commit("README.md", b"hello\n")
    await origin.branch("other")
    await origin.commit("other.txt", b"other\n")
    await origin.switch("main")
    return origin
