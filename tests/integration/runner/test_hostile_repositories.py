"""Repositories that want something to run when they are cloned; each leaves a mark if it gets its way."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from runner.clone import Workspace
from runner.errors import CloneFailed
from runner.sandbox import Sandbox
from tests.support.git import ENVIRONMENT

MARK = "it-ran"
"""The file that must never appear, wherever a command of the repository runs."""
HOOK = f"#!/bin/sh\ntouch {MARK}\n"


class Repository:
    """A repository in the making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def git(self, *arguments: str, stdin: str = "") -> str:
        """Run git in it, without the checks that would protect it from itself."""
        process = await asyncio.create_subprocess_exec(
            *("git", "-c", "core.protectHFS=false", "-c", "core.protectNTFS=false", "-C", str(self.folder), *arguments),
            env=ENVIRONMENT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate(stdin.encode())
        assert process.returncode == 0, arguments
        return said.decode().strip()

    async def file(self, path: str, text: str) -> None:
        """Add a file."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)
        await self.git("add", "--", path)

    async def tree(self, *entries: tuple[str, str, str]) -> None:
        """Commit a tree of entries (mode, path, content) as they are, however a checkout would look."""
        lines = []
        for mode, name, content in entries:
            kind = "tree" if mode == "040000" else "blob"
            made = content if kind == "tree" else await self.git("hash-object", "-w", "--stdin", stdin=content)
            lines.append(f"{mode} {kind} {made}\t{name}")
        tree = await self.git("mktree", stdin="\n".join(lines) + "\n")
        await self.git("update-ref", "refs/heads/main", await self.git("commit-tree", "-m", "hostile", tree))

    async def subtree(self, name: str, text: str) -> str:
        """Return the id of a tree with one executable file."""
        blob = await self.git("hash-object", "-w", "--stdin", stdin=text)
        return await self.git("mktree", stdin=f"100755 blob {blob}\t{name}\n")


async def _submodule_that_is_a_command(repository: Repository) -> None:
    await repository.file(
        ".gitmodules",
        f'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch% {MARK}"\n\tupdate = !touch {MARK}\n',
    )
    head = await repository.git("rev-parse", "HEAD")
    await repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},x")
    await repository.git("commit", "-qm", "submodule")


async def _submodule_with_a_carriage_return(repository: Repository) -> None:
    await repository.file(".gitmodules", f'[submodule "x"]\n\tpath = "x\\r"\n\turl = {repository.folder}\n')
    head = await repository.git("rev-parse", "HEAD")
    await repository.git("update-index", "--add", "--cacheinfo", f"160000,{head},x\r")
    await repository.git("commit", "-qm", "submodule")


async def _git_folder_in_other_letters(repository: Repository) -> None:
    hooks = await repository.subtree("post-checkout", HOOK)
    inner = await repository.git("mktree", stdin=f"040000 tree {hooks}\thooks\n")
    await repository.tree(("040000", ".GIT", inner), ("100644", "a", "a"))


async def _git_folder_itself(repository: Repository) -> None:
    hooks = await repository.subtree("post-checkout", HOOK)
    inner = await repository.git("mktree", stdin=f"040000 tree {hooks}\thooks\n")
    await repository.tree(("040000", ".git", inner))


async def _link_into_the_git_folder(repository: Repository) -> None:
    hooks = await repository.subtree("post-checkout", HOOK)
    await repository.tree(("120000", "A", ".git/hooks"), ("040000", "a", hooks))


async def _filters_and_large_files(repository: Repository) -> None:
    await repository.file(".gitattributes", "* filter=lfs diff=x merge=x -text\n")
    await repository.file(".lfsconfig", f"[lfs]\n\turl = file://{MARK}\n")
    await repository.file(".gitconfig", f'[filter "lfs"]\n\tsmudge = touch {MARK}\n\tprocess = touch {MARK}\n')
    await repository.git("commit", "-qm", "filters")


async def _configuration_of_the_source(repository: Repository) -> None:
    for name in ("core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook", "core.pager", "diff.external"):
        await repository.git("config", name, f"touch {MARK};")
    for name in ("post-checkout", "pre-upload", "reference-transaction", "post-index-change"):
        hook = repository.folder / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(HOOK)
        hook.chmod(0o755)


async def _branch_that_is_an_option(repository: Repository) -> None:
    await repository.git("update-ref", f"refs/heads/--upload-pack=touch${{IFS}}{MARK}", "HEAD")
    await repository.git("symbolic-ref", "HEAD", f"refs/heads/--upload-pack=touch${{IFS}}{MARK}")


HOSTILE: list[Callable[[Repository], Awaitable[None]]] = [
    _submodule_that_is_a_command,
    _submodule_with_a_carriage_return,
    _git_folder_in_other_letters,
    _git_folder_itself,
    _link_into_the_git_folder,
    _filters_and_large_files,
    _configuration_of_the_source,
    _branch_that_is_an_option,
]


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__.lstrip("_"))
async def test_prepare_hostile_repository_runs_nothing_of_it(
    room_folder: Path, sandbox: Sandbox, tmp_path: Path, make: Callable[[Repository], Awaitable[None]]
) -> None:
    """It is refused or cloned; either way nothing in it ran, and nothing of it is a hook or a configuration."""
    source = tmp_path / "source"
    source.mkdir()
    repository = Repository(source)
    await repository.git("init", "-q", "-b", "main")
    await repository.git("commit", "-q", "--allow-empty", "-m", "first")
    await make(repository)
    assert not list(tmp_path.rglob(MARK)), "the repository harmed the test itself"
    with suppress(CloneFailed):
        async for _ in Workspace(room_folder, sandbox, allow_local=True).prepare(str(source), ""):
            pass
    assert not list(tmp_path.rglob(MARK))
    for place in ("files", "incoming"):
        assert not list((room_folder / place).glob(".git/hooks/*"))
        config = room_folder / place / ".git" / "config"
        sections = re.findall(r"^\[(\w+)", config.read_text() if config.exists() else "", re.MULTILINE)
        assert set(sections) <= {"core", "remote", "branch"}
