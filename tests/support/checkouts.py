"""Checkouts in every state that git knows, and everything that can be seen of one."""

import os
import stat
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tests.support.git import run_git


async def make_checkout(folder: Path) -> None:
    """Make a repository with a remote that lacks nothing, and two files of two commits on `main`."""
    remote = folder.with_name(f"{folder.name}.remote")
    await run_git(folder.parent, "init", "--quiet", "--bare", "-b", "main", str(remote))
    await run_git(folder, "init", "--quiet", "-b", "main")
    for name in ("one", "two"):
        (folder / name).write_text(f"{name}\n" * 20)
        await run_git(folder, "add", name)
        await run_git(folder, "commit", "--quiet", "-m", name)
    await run_git(folder, "remote", "add", "origin", str(remote))
    await run_git(folder, "push", "--quiet", "-u", "origin", "main")


async def _clean(_folder: Path) -> None:
    """Nothing differs."""


async def _dirty(folder: Path) -> None:
    (folder / "one").write_text("dirty\n")
    (folder / "two").unlink()


async def _staged(folder: Path) -> None:
    (folder / "one").write_text("staged\n")
    await run_git(folder, "add", "one")
    await run_git(folder, "mv", "two", "moved")


async def _staged_and_dirty(folder: Path) -> None:
    await _staged(folder)
    (folder / "one").write_text("and dirty\n")


async def _intent_to_add(folder: Path) -> None:
    (folder / "meant").write_text("meant\n")
    await run_git(folder, "add", "--intent-to-add", "meant")


async def _stashes(folder: Path) -> None:
    for number in range(3):
        (folder / "one").write_text(f"stash {number}\n")
        (folder / f"unknown{number}").write_text("unknown\n")
        await run_git(folder, "stash", "push", "--quiet", "--include-untracked", "-m", f"number {number}")


async def _untracked(folder: Path) -> None:
    (folder / "new" / "deep").mkdir(parents=True)
    (folder / "new" / "deep" / "file").write_bytes(bytes(range(256)))
    (folder / "empty" / "deep").mkdir(parents=True)


async def _ignored(folder: Path) -> None:
    (folder / ".gitignore").write_text(".env\nbuild/\n")
    (folder / ".env").write_text("SECRET=canary\n")
    (folder / ".env").chmod(0o600)
    (folder / "build").mkdir()
    (folder / "build" / "out").write_text("built\n")


async def _detached(folder: Path) -> None:
    await run_git(folder, "checkout", "--quiet", "--detach", "HEAD~1")
    await run_git(folder, "commit", "--quiet", "--allow-empty", "-m", "on no branch")


async def _unpushed(folder: Path) -> None:
    await run_git(folder, "switch", "--quiet", "-c", "side/branch")
    await run_git(folder, "commit", "--quiet", "--allow-empty", "-m", "not pushed")
    await run_git(folder, "tag", "-a", "v1", "-m", "not pushed either")
    await run_git(folder, "switch", "--quiet", "main")


async def _without_remote(folder: Path) -> None:
    await run_git(folder, "remote", "remove", "origin")


async def _without_commit(folder: Path) -> None:
    await run_git(folder, "checkout", "--quiet", "--orphan", "fresh")


async def _merging(folder: Path) -> None:
    await _diverged(folder)
    await run_git(folder, "merge", "--quiet", "other", fine=(0, 1))


async def _rebasing(folder: Path) -> None:
    await _diverged(folder)
    await run_git(folder, "rebase", "--quiet", "other", fine=(0, 1))


async def _diverged(folder: Path) -> None:
    await run_git(folder, "stash", "push", "--quiet", "--include-untracked")
    await run_git(folder, "reset", "--quiet", "--hard")
    for branch in ("other", "main"):
        await run_git(folder, "switch", "--quiet", "--force-create" if branch == "other" else "--quiet", branch)
        (folder / "one").write_text(f"{branch}\n")
        await run_git(folder, "add", "one")
        await run_git(folder, "commit", "--quiet", "-m", branch)


async def _submodule(folder: Path) -> None:
    inner = folder.with_name(f"{folder.name}.inner")
    inner.mkdir()
    await make_checkout(inner)
    allowed = ("-c", "protocol.file.allow=always")
    await run_git(folder, *allowed, "submodule", "--quiet", "add", str(inner), "module")
    (folder / "module" / "one").write_text("dirty in the submodule\n")
    await run_git(folder / "module", "stash", "push", "--quiet")
    (folder / "module" / "unknown").write_text("unknown\n")


async def _nested(folder: Path) -> None:
    inner = folder / "nested"
    inner.mkdir()
    await run_git(inner, "init", "--quiet", "-b", "main")
    (inner / "work").write_text("only here\n")
    await run_git(inner, "add", "work")


async def _links(folder: Path) -> None:
    (folder / "link").symlink_to("one")
    (folder / "loop").symlink_to("loop")
    (folder / "out").symlink_to("/etc")
    (folder / "up").symlink_to("..")


async def _rights(folder: Path) -> None:
    (folder / "one").chmod(0o755)
    (folder / "private").write_text("private\n")
    (folder / "private").chmod(0o400)
    (folder / "closed").mkdir(mode=0o700)


async def _names(folder: Path) -> None:
    for name in (b"new\nline", b'quo"te', b"back\\slash", b"\xff\xfe", b" space ", b"%percent", b"git~1", b".GIT"):
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:  # noqa: PTH123, ASYNC230  # a name that is no text
            file.write(name)


async def _line_ends(folder: Path) -> None:
    (folder / ".gitattributes").write_text("*.txt text eol=crlf\n*.raw -text\n")
    (folder / "a.txt").write_bytes(b"one\r\ntwo\r\n")
    (folder / "b.raw").write_bytes(b"one\r\ntwo\n")
    await run_git(folder, "config", "core.autocrlf", "input")
    await run_git(folder, "add", ".")
    (folder / "a.txt").write_bytes(b"one\nthree\r\n")


async def _corrupt_head(folder: Path) -> None:
    (folder / ".git" / "HEAD").write_bytes(b"\0rubbish")


async def _corrupt_objects(folder: Path) -> None:
    for file in (folder / ".git" / "objects").glob("??/*"):
        file.chmod(0o644)
        file.write_bytes(b"rubbish")


STATES: Mapping[str, Callable[[Path], Awaitable[None]]] = {
    make.__name__.lstrip("_"): make
    for make in (
        *(_clean, _dirty, _staged, _staged_and_dirty, _intent_to_add, _stashes, _untracked, _ignored, _detached),
        *(_unpushed, _without_remote, _without_commit, _merging, _rebasing, _submodule, _nested, _links, _rights),
        *(_names, _line_ends, _corrupt_head, _corrupt_objects),
    )
}
"""What somebody may have done to a checkout, by name."""

COMBINED = tuple(name for name in STATES if not name.startswith("corrupt"))
"""States that follow upon any other: git can go on."""


async def make_every_checkout(folder: Path) -> None:
    """Fill a folder with a checkout in each state, side by side."""
    for name, make in STATES.items():
        (folder / name).mkdir()
        await make_checkout(folder / name)
        await make(folder / name)


async def some_checkouts(folder: Path) -> Path:
    """Return the folder with a checkout in it of which much could be lost."""
    (folder / "some").mkdir()
    await make_checkout(folder / "some")
    for name in ("stashes", "unpushed", "staged_and_dirty", "untracked", "ignored"):
        await STATES[name](folder / "some")
    return folder


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return rights and bytes of everything in a folder, by its path; of a link what it says."""
    found = {}
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found[str(path.relative_to(folder))] = (stat.S_IFMT(mode), os.fsencode(path.readlink()))
        else:
            found[str(path.relative_to(folder))] = (mode, path.read_bytes() if stat.S_ISREG(mode) else b"")
    return found


async def as_git_sees_it(folder: Path) -> list[str]:
    """Return what git says of a checkout: status, stashes, branches and tags, submodules, most of it as hashes."""
    questions = (
        ("status", "--porcelain=v2", "--branch", "--ignored", "-z", "--untracked-files=all"),
        ("stash", "list", "--format=%H %s"),
        ("for-each-ref",),
        ("submodule", "status"),
    )
    return [await run_git(folder, *question, fine=range(256)) for question in questions]
