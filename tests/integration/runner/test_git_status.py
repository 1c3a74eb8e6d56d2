"""The status of a checkout, by real git in the sandbox, whatever somebody has done to the tree."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from stateroom.git.v1.git_status_pb2 import File, FileList, GitStatus

from runner.errors import GitFailed
from runner.git import Git
from runner.porcelain import FILES
from runner.sandbox import Level, Sandbox
from tests.support.git import run_git

MANY = 20_000


@pytest.fixture
async def files(room_folder: Path) -> Path:
    """The room's files: a repository with two commits on `main`."""
    files = room_folder / "files"
    await run_git(files, "init", "--quiet", "-b", "main")
    for name in ("kept", "edited", "moved"):
        (files / name).write_text(f"{name}\n" * 20)
    await run_git(files, "add", ".")
    await run_git(files, "commit", "--quiet", "-m", "First")
    await run_git(files, "commit", "--quiet", "--allow-empty", "-m", "Second\nline\n\nbody")
    return files


@pytest.fixture
def git(room_folder: Path, sandbox: Sandbox) -> Git:
    """Git in the room."""
    return Git(room_folder, sandbox)


@pytest.fixture
def unwalled_git(room_folder: Path) -> Git:
    """Git in the room without walls around it, so that whatever it starts can leave a mark."""
    return Git(room_folder, Sandbox(Level.PROCESS, room_folder, ()))


def _paths(files: FileList) -> list[tuple[str, str]]:
    return [(file.path, File.Change.Name(file.change)) for file in files.files]


async def test_status_of_a_clean_checkout_has_branch_and_last_commit(git: Git, files: Path) -> None:
    """Nothing differs; the commit's subject is one line."""
    status = await git.status()
    assert (status.branch, status.detached, status.upstream, status.operation) == ("main", False, "", 0)
    commit = status.last_commit
    assert commit.commit_id == (await run_git(files, "rev-parse", "HEAD")).strip()
    assert (commit.author_name, commit.subject, commit.author_time.seconds > 0) == ("A", "Second line", True)
    assert [files.count for files in (status.staged, status.modified, status.untracked, status.conflicted)] == [0] * 4


async def test_status_of_changes_names_them_by_kind(git: Git, files: Path) -> None:
    """What is staged, what is not, what moved, and a folder of unknown files as one."""
    (files / "edited").write_text("other")
    await run_git(files, "add", "edited")
    (files / "edited").write_text("another")
    (files / "kept").unlink()
    await run_git(files, "mv", "moved", "there")
    (files / "new").mkdir()
    (files / "new" / "file").touch()
    (files / ".gitignore").write_text("ignored\n")
    (files / "ignored").touch()
    status = await git.status()
    assert _paths(status.staged) == [("edited", "MODIFIED"), ("there", "RENAMED")]
    assert status.staged.files[1].old_path == "moved"
    assert _paths(status.modified) == [("edited", "MODIFIED"), ("kept", "DELETED")]
    assert _paths(status.untracked) == [(".gitignore", "UNTRACKED"), ("new/", "UNTRACKED")]


async def test_status_before_the_first_commit_has_a_branch_and_no_commit(git: Git, room_folder: Path) -> None:
    """A fresh repository is no failure, with or without files."""
    await run_git(room_folder / "files", "init", "--quiet", "-b", "trunk")
    empty = await git.status()
    assert (empty.branch, empty.HasField("last_commit"), empty.untracked.count) == ("trunk", False, 0)
    (room_folder / "files" / "a").touch()
    assert _paths((await git.status()).untracked) == [("a", "UNTRACKED")]


async def test_status_of_a_branch_with_an_upstream_counts_commits(git: Git, files: Path, tmp_path: Path) -> None:
    """Ahead and behind, until the upstream is gone."""
    await run_git(tmp_path, "clone", "--quiet", "--bare", str(files), "origin.git")
    await run_git(files, "remote", "add", "origin", str(tmp_path / "origin.git"))
    await run_git(files, "fetch", "--quiet", "origin")
    await run_git(files, "branch", "--quiet", "--set-upstream-to=origin/main")
    await run_git(files, "reset", "--quiet", "--hard", "HEAD~1")
    for subject in ("x", "y"):
        await run_git(files, "commit", "--quiet", "--allow-empty", "-m", subject)
    status = await git.status()
    assert (status.upstream, status.ahead, status.behind, status.upstream_gone) == ("origin/main", 2, 1, False)
    await run_git(files, "update-ref", "-d", "refs/remotes/origin/main")
    gone = await git.status()
    assert (gone.upstream, gone.ahead, gone.behind, gone.upstream_gone) == ("origin/main", 0, 0, True)


async def test_status_with_a_detached_head_has_no_branch(git: Git, files: Path) -> None:
    """The commit says where it is."""
    await run_git(files, "checkout", "--quiet", "--detach", "HEAD~1")
    status = await git.status()
    assert (status.branch, status.detached, status.last_commit.subject) == ("", True, "First")


@pytest.mark.parametrize("operation", ["REBASE", "MERGE", "CHERRY_PICK", "REVERT"])
async def test_status_in_the_middle_of_an_operation_names_it_and_its_conflicts(
    git: Git, files: Path, operation: str
) -> None:
    """Whoever looks sees that something is to be finished, and which files stand in the way."""
    await run_git(files, "switch", "--quiet", "-c", "side", "HEAD~1")
    for branch, text in (("side", "theirs"), ("main", "ours")):
        await run_git(files, "switch", "--quiet", branch)
        (files / "edited").write_text(text)
        await run_git(files, "commit", "--quiet", "-am", text)
    arguments = {"REVERT": ("revert", "--no-edit", "side")}.get(
        operation, (operation.lower().replace("_", "-"), "side")
    )
    with pytest.raises(AssertionError):
        await run_git(files, *arguments)
    status = await git.status()
    assert GitStatus.Operation.Name(status.operation) == operation
    assert _paths(status.conflicted) == [("edited", "CONFLICTED")]
    assert status.detached == (operation == "REBASE")


async def test_status_of_names_that_cannot_be_printed_shows_them_as_git_does(git: Git, files: Path) -> None:
    """Bytes that are no UTF-8, line ends and escapes stand in quotes; other languages as they are."""
    for name in (b"caf\xe9", b"a\nb", b"\x1b[31m", b'q"q', "日本".encode(), b"back\\slash"):
        Path(os.fsdecode(os.fsencode(files) + b"/" + name)).touch()
    shown = {path for path, _ in _paths((await git.status()).untracked)}
    assert shown == {r'"caf\351"', r'"a\nb"', r'"\033[31m"', r'"q\"q"', "日本", r'"back\\slash"'}


async def test_status_of_many_unknown_files_names_the_first(git: Git, files: Path) -> None:
    """All are counted; the answer stays small and says that it was cut."""
    folder = os.open(files, os.O_PATH)
    for number in range(MANY):
        os.mknod(f"u{number}", dir_fd=folder)
    os.close(folder)
    try:
        status = await git.status()
    finally:  # at once: pytest keeps what tests leave, and others would wait for its removal
        await asyncio.to_thread(shutil.rmtree, files)
    assert (status.untracked.count, status.untracked.truncated) == (MANY, True)
    assert len(status.untracked.files) == FILES
    assert not status.modified.truncated
    assert status.ByteSize() < 100_000


HOSTILE = {
    "core.fsmonitor": "{script}",
    "core.sshCommand": "{script}",
    "core.pager": "{script}",
    "core.hooksPath": "{hooks}",
    "core.attributesFile": "{attributes}",
    "core.worktree": "/",
    "core.untrackedCache": "true",
    "core.gitProxy": "{script}",
    "alias.status": "!{script}",
    "alias.rev-list": "!{script}",
    "pager.status": "{script}",
    "diff.external": "{script}",
    "diff.bad.textconv": "{script}",
    "diff.bad.command": "{script}",
    "filter.bad.clean": "{script}",
    "filter.bad.process": "{script}",
    "filter.bad.required": "true",
    "filter.a=b.clean": "{script}",
    "gpg.program": "{script}",
    "log.showSignature": "true",
    "status.showUntrackedFiles": "no",
    "status.submoduleSummary": "true",
    "submodule.recurse": "true",
    "credential.helper": "!{script}",
}


async def test_status_of_a_hostile_repository_runs_nothing_of_it(unwalled_git: Git, files: Path) -> None:
    """Not one of the programs that a configuration, an attribute or a hook can name is started."""
    script, marks = files / "script", files / "marks"
    marks.mkdir()
    script.write_text(f"#!/bin/sh\ntouch {marks}/$$\ncat\n")
    script.chmod(0o777)
    attributes, hooks = files / "attributes", files / "hooks"
    attributes.write_text("* filter=bad diff=bad\n")
    (files / ".gitattributes").write_text("kept filter=bad diff=bad\nmoved filter=a=b\n")
    hooks.mkdir()
    for name in ("post-index-change", "fsmonitor-watchman", "post-checkout", "reference-transaction"):
        (hooks / name).symlink_to(script)
    (files / "edited").write_text("other")
    for name in ("kept", "moved"):
        (files / name).write_text((files / name).read_text())  # the same, but git has to look
        os.utime(files / name, (1, 1))
    for name, value in HOSTILE.items():
        section, _, key = name.rpartition(".")
        words = value.format(script=script, hooks=hooks, attributes=attributes)
        await run_git(files, "config", "--file", str(files / ".git" / "config"), f"{section}.{key}", words)
    status = await unwalled_git.status()
    assert list(marks.iterdir()) == []
    assert ("edited", "MODIFIED") in _paths(status.modified)
    assert ".gitattributes" in [path for path, _ in _paths(status.untracked)]
    assert status.last_commit.subject == "Second line"


async def test_status_of_a_repository_with_missing_objects_fetches_nothing(unwalled_git: Git, files: Path) -> None:
    """Git would ask the remote that promises them, which a configuration can make any program."""
    script = files / "script"
    script.write_text(f"#!/bin/sh\ntouch {files}/ran\n")
    script.chmod(0o777)
    for name, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", f"ext::{script}"),
        ("remote.origin.promisor", "true"),
        ("protocol.ext.allow", "always"),
    ):
        await run_git(files, "config", name, value)
    tree = (await run_git(files, "rev-parse", "HEAD^{tree}")).strip()
    (files / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    (files / ".git" / "index").unlink()
    with pytest.raises(GitFailed):
        await unwalled_git.status()
    assert not (files / "ran").exists()


async def test_status_of_a_hostile_submodule_runs_nothing_of_it(unwalled_git: Git, files: Path) -> None:
    """A repository inside the repository has a configuration of its own."""
    inner = files / "inner"
    inner.mkdir()
    await run_git(inner, "init", "--quiet")
    await run_git(inner, "commit", "--quiet", "--allow-empty", "-m", "inner")
    await run_git(files, "-c", "advice.addEmbeddedRepo=false", "add", "inner")
    await run_git(files, "commit", "--quiet", "-m", "with a module")
    script = files / "script"
    script.write_text(f"#!/bin/sh\ntouch {files}/ran\n")
    script.chmod(0o777)
    await run_git(inner, "config", "core.fsmonitor", str(script))
    (inner / "file").touch()
    status = await unwalled_git.status()
    assert not (files / "ran").exists()
    assert status.modified.count == 0


async def test_status_without_a_repository_fails_with_the_complaint(git: Git, files: Path, room_folder: Path) -> None:
    """Somebody removed it, or broke it; the room is as it was, and the next answer is right again."""
    (files / ".git").rename(files / "hidden")
    with pytest.raises(GitFailed, match="not a git repository"):
        await git.status()
    (files / ".git").symlink_to("/")
    with pytest.raises(GitFailed):
        await git.status()
    (files / ".git").unlink()
    (files / "hidden").rename(files / ".git")
    (files / ".git" / "index").write_bytes(b"no index")
    with pytest.raises(GitFailed, match="index"):
        await git.status()
    (files / ".git" / "index").unlink()
    assert (await git.status()).staged.count == 3


async def test_status_with_more_filters_than_anybody_has_is_refused(git: Git, files: Path) -> None:
    """A configuration of any size takes no more memory than one answer."""
    with (files / ".git" / "config").open("a") as config:
        config.writelines(f'[filter "{number}"]\n\tclean = cat\n' for number in range(10_000))
    with pytest.raises(GitFailed, match="too many filters"):
        await git.status()


async def test_status_that_hangs_is_given_up(git: Git, files: Path, room_folder: Path, sandbox: Sandbox) -> None:
    """A pipe where git expects a file keeps it waiting for ever; the caller is told, and nothing is left running."""
    os.mkfifo(files / ".gitignore")
    with pytest.raises(GitFailed, match=r"longer than 0\.5 seconds"):
        await Git(room_folder, sandbox, time_limit=0.5).status()
    (files / ".gitignore").unlink()
    assert (await git.status()).branch == "main"


async def test_status_asked_by_many_at_once_answers_all(git: Git, files: Path) -> None:
    """They take turns."""
    answers = await asyncio.gather(*(git.status() for _ in range(5)))
    assert {answer.branch for answer in answers} == {"main"}


async def test_status_changes_nothing_in_the_repository(git: Git, files: Path) -> None:
    """Not even the index, which git else refreshes."""
    os.utime(files / "kept", (1, 1))
    before = (files / ".git" / "index").read_bytes()
    await git.status()
    assert (files / ".git" / "index").read_bytes() == before
