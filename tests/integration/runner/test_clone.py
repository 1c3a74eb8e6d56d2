"""Preparing a workspace with real git, inside the sandbox."""

import asyncio
from pathlib import Path

import pytest

from runner.clone import Progress, Workspace
from runner.errors import CloneFailed
from runner.sandbox import Sandbox


async def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=trunk")
    process = await asyncio.create_subprocess_exec(
        "git", *identity, "-C", str(folder), *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


@pytest.fixture
async def source(tmp_path: Path) -> Path:
    """A repository with two branches and hooks that leave a mark when they run."""
    folder = tmp_path / "my source"
    folder.mkdir()
    await _git(folder, "init", "-q")
    (folder / "README").write_text("hello")
    await _git(folder, "add", ".")
    await _git(folder, "commit", "-qm", "first")
    await _git(folder, "branch", "feature")
    for name in ("post-checkout", "pre-upload", "post-upload-pack", "reference-transaction", "post-index-change"):
        hook = folder / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    await _git(folder, "config", "uploadpack.packObjectsHook", f"touch {tmp_path}/ran;")
    return folder


async def _prepare(workspace: Workspace, url: str, branch: str = "") -> list[Progress]:
    return [progress async for progress in workspace.prepare(url, branch)]


async def test_prepare_local_repository_is_cloned(
    room_folder: Path, sandbox: Sandbox, source: Path, tmp_path: Path
) -> None:
    """The files are there, progress was told, the origin is the URL, and no hook ran."""
    workspace = Workspace(room_folder, sandbox, allow_local=True)
    progress = await _prepare(workspace, str(source))
    assert progress[-1] == Progress("Ready", 100, "trunk")
    assert "Receiving objects" in {step.step for step in progress}
    assert (room_folder / "files" / "README").read_text() == "hello"
    assert (await _git(room_folder / "files", "remote", "get-url", "origin")).strip() == str(source)
    assert not (tmp_path / "ran").exists()
    assert not list((room_folder / "files" / ".git").glob("hooks/*"))


async def test_prepare_checkout_around_the_rooms_is_cloned(room_folder: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    """An installation's data may lie inside the repository, as `make demo` does it with its own checkout."""
    await _git(tmp_path, "init", "-q")
    await _git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    progress = await _prepare(Workspace(room_folder, sandbox, allow_local=True), str(tmp_path))
    assert progress[-1] == Progress("Ready", 100, "trunk")
    assert [path.name for path in (room_folder / "files").iterdir()] == [".git"]


async def test_prepare_branch_is_checked_out(room_folder: Path, sandbox: Sandbox, source: Path) -> None:
    """The branch asked for is the one in the workspace."""
    workspace = Workspace(room_folder, sandbox, allow_local=True)
    assert (await _prepare(workspace, str(source), "feature"))[-1].branch == "feature"


async def test_prepare_again_leaves_work_alone(room_folder: Path, sandbox: Sandbox, source: Path) -> None:
    """A finished workspace stays as it is, also for another runner."""
    await _prepare(Workspace(room_folder, sandbox, allow_local=True), str(source))
    (room_folder / "files" / "work").write_text("unsaved")
    again = Workspace(room_folder, sandbox, allow_local=True)
    assert await _prepare(again, str(source)) == [Progress("Ready", 100, "trunk")]
    assert (room_folder / "files" / "work").read_text() == "unsaved"


async def test_prepare_after_a_crash_begins_anew(room_folder: Path, sandbox: Sandbox, source: Path) -> None:
    """What a dead runner had half made is thrown away."""
    (room_folder / "incoming").mkdir()
    (room_folder / "incoming" / "half").write_text("x")
    await _prepare(Workspace(room_folder, sandbox, allow_local=True), str(source))
    assert not (room_folder / "files" / "half").exists()


async def test_prepare_missing_branch_fails_and_can_be_repeated(
    room_folder: Path, sandbox: Sandbox, source: Path
) -> None:
    """The cause names the branch; nothing is prepared; the next attempt works."""
    workspace = Workspace(room_folder, sandbox, allow_local=True)
    with pytest.raises(CloneFailed, match="nowhere"):
        await _prepare(workspace, str(source), "nowhere")
    assert not workspace.prepared
    assert (await _prepare(workspace, str(source)))[-1].branch == "trunk"


async def test_prepare_without_url_makes_a_repository(room_folder: Path, sandbox: Sandbox) -> None:
    """An empty workspace is a git repository on main."""
    workspace = Workspace(room_folder, sandbox, allow_local=False)
    assert await _prepare(workspace, "") == [Progress("Ready", 100, "main")]
    assert (await _git(room_folder / "files", "symbolic-ref", "--short", "HEAD")).strip() == "main"
