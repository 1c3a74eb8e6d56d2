"""A directory is given back as it was, whatever git state it is in; and nothing of it runs to take a snapshot."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.sandbox import Level
from runner.snapshot.errors import Refused
from runner.snapshot.restore import restore
from runner.snapshot.take import take
from runner.snapshot.tree import DEPTH, walk
from runner.snapshot.vault import Vault
from tests.support.checkouts import COMBINED, STATES, as_git_sees_it, contents, make_checkout
from tests.support.examples import examples
from tests.support.git import run_git
from tests.support.places import passed_by

LIMIT = 1 << 30
REFERENCE = "refs/saves/one"
PLACES = passed_by("snapshots", 1)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout to copy: git needs longer to make one."""
    folder = tmp_path_factory.mktemp("plain") / "files"
    folder.mkdir()
    asyncio.run(make_checkout(folder))
    return folder


async def _checkout(plain: Path, room: Path, states: Sequence[str]) -> Path:
    files = room / "files"
    shutil.copytree(plain, files)
    for state in states:
        await STATES[state](files)
    return files


def _given_back(room: Path) -> Path:
    """Take a snapshot of a room and give it back; returns the new directory, where the old one was."""
    vault = Vault(room / "vault.git")
    take(vault, REFERENCE, walk(room / "files"), LIMIT, {})
    assert vault.is_sound(REFERENCE)
    (room / "files").rename(room / "old")
    restore(vault, REFERENCE, room, "one")
    return room / "files"


@pytest.mark.parametrize("state", STATES)
async def test_snapshot_of_a_git_state_is_given_back_as_it_was(plain: Path, tmp_path: Path, state: str) -> None:
    """Bytes, rights, links and empty folders are the same, and git sees the same: status, stashes, branches."""
    files = await _checkout(plain, tmp_path / "room", [state])
    seen, held = await as_git_sees_it(files), contents(files)
    back = _given_back(tmp_path / "room")
    assert contents(back) == held
    assert await as_git_sees_it(back) == seen


async def test_snapshot_of_mixed_git_states_is_given_back_as_it_was(
    plain: Path, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> None:
    """Whatever somebody did before, and whatever git refused of it."""

    @examples(pytestconfig, 5)
    @given(st.lists(st.sampled_from(COMBINED), min_size=2, max_size=4, unique=True))
    def whatever_was_done(states: list[str]) -> None:
        room = tmp_path_factory.mktemp("mixed")
        asyncio.run(_mix_and_compare(plain, room, states))

    await asyncio.to_thread(whatever_was_done)


async def _mix_and_compare(plain: Path, room: Path, states: list[str]) -> None:
    files = await _checkout(plain, room, [])
    for state in states:
        with suppress(AssertionError, FileNotFoundError, FileExistsError):
            await STATES[state](files)
    seen, held = await as_git_sees_it(files), contents(files)
    back = _given_back(room)
    assert contents(back) == held
    assert await as_git_sees_it(back) == seen


async def test_snapshots_of_one_room_store_the_same_bytes_once_and_go_one_by_one(plain: Path, tmp_path: Path) -> None:
    """The second costs what changed; removing the first leaves the second whole, removing both leaves nothing."""
    files = await _checkout(plain, tmp_path, [])
    (files / "large").write_bytes(os.urandom(3 << 20))
    vault = Vault(tmp_path / "vault.git")
    take(vault, "refs/saves/one", walk(files), LIMIT, {})
    first = _size(vault.folder)
    (files / "one").write_text("changed\n")
    take(vault, "refs/saves/two", walk(files), LIMIT, {})
    assert _size(vault.folder) - first < first / 20
    (files / "large").unlink()
    vault.remove("refs/saves/one")
    assert not vault.has("refs/saves/one")
    assert vault.is_sound("refs/saves/two")
    restore(vault, "refs/saves/two", tmp_path / "new", "two")
    assert (tmp_path / "new" / "files" / "large").stat().st_size == 3 << 20
    vault.remove("refs/saves/two")
    assert not vault.folder.exists()


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _sparse(files: Path) -> str:
    with (files / "sparse").open("wb") as file:
        file.truncate(1 << 42)
    return f"it holds more than {LIMIT} bytes, as counted up to sparse of {1 << 42}"


def _deep(files: Path) -> str:
    folder = os.open(files, os.O_RDONLY)
    for _ in range(DEPTH + 1):
        os.mkdir("d", dir_fd=folder)  # a path of that length cannot be named
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    return f"folders are nested more than {DEPTH} deep"


@pytest.mark.parametrize("make", [_sparse, _deep])
def test_snapshot_of_more_than_it_may_hold_is_refused_and_leaves_nothing(
    tmp_path: Path, make: Callable[[Path], str]
) -> None:
    """It says why, and there is no snapshot that lacks something."""
    (tmp_path / "files").mkdir()
    cause = make(tmp_path / "files")
    vault = Vault(tmp_path / "vault.git")
    with pytest.raises(Refused, match=re.escape(cause)):
        take(vault, REFERENCE, walk(tmp_path / "files"), LIMIT, {})
    assert not vault.has(REFERENCE)


def test_snapshot_leaves_out_what_cannot_be_work(tmp_path: Path) -> None:
    """A pipe does not keep anybody waiting; a link into a loop or out of the room is kept as a link."""
    files = tmp_path / "files"
    files.mkdir()
    os.mkfifo(files / "pipe")
    (files / "loop").symlink_to("loop")
    (files / "passwords").symlink_to("/etc/passwd")
    back = _given_back(tmp_path)
    assert {path.name: str(path.readlink()) for path in back.iterdir()} == {
        "loop": "loop",
        "passwords": "/etc/passwd",
    }


@pytest.mark.parametrize(
    ("modes", "path"),
    [
        (b"755 %../\0", "%../out"),
        (b"", "%../out"),
        (b"", "%link/out"),
        (b"755 link/\0", "%link/out"),
        (b"777 link\0", "%."),
        (b"777 link\0", "other"),
    ],
    ids=["above", "above unnamed", "through a link", "a link and a folder", "itself", "rights of a link"],
)
def test_restore_of_a_snapshot_that_leads_elsewhere_touches_nothing_there(
    tmp_path: Path, modes: bytes, path: str
) -> None:
    """A pack may be of a runner that somebody had taken over; what it holds stays within the new directory."""
    room, outside = tmp_path / "room", tmp_path / "outside"
    outside.mkdir(mode=0o700)
    vault = Vault(room / "vault.git")
    vault.prepare()
    target = str(outside).encode()
    entries = [("120000", "files/link", target), ("100644", f"files/{path}", b"x"), ("100644", "modes", modes)]
    listed = [f"M {kind} inline {name}\ndata {len(held)}\n".encode() + held + b"\n" for kind, name, held in entries]
    commit = b"commit %s\ncommitter a <> 0 +0000\ndata 0\n" % REFERENCE.encode()
    with vault.process("fast-import", "--quiet") as git:
        assert git.stdin is not None
        git.stdin.write(commit + b"".join(listed))
    with suppress(Refused):
        restore(vault, REFERENCE, room, "one")
    assert not list(outside.iterdir())
    assert outside.stat().st_mode & 0o777 == 0o700
    assert not list(tmp_path.rglob("out"))


async def test_save_of_a_hostile_repository_runs_nothing_of_it(plain: Path, tmp_path: Path) -> None:
    """Neither the snapshot nor the counting starts a filter, hook, monitor or anything else that it names."""
    files = await _checkout(plain, tmp_path / "room", ["dirty", "stashes"])
    mark = tmp_path / "it-ran"
    for name in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "diff.external",
        "filter.x.clean",
        "filter.x.smudge",
    ):
        await run_git(files, "config", name, f"touch {mark};")
    await run_git(files, "config", "core.hooksPath", str(files / "hooks"))
    (files / ".gitattributes").write_text("* filter=x diff=x\n")
    (files / "hooks").mkdir()
    for name in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change", "pre-auto-gc"):
        (files / "hooks" / name).write_text(f"#!/bin/sh\ntouch {mark}\n")
        (files / "hooks" / name).chmod(0o755)
    answer = await _asked("save", tmp_path, sandbox=Level.PROCESS)  # no walls, so that whatever runs leaves its mark
    assert (answer["stashes"], answer["complaint"]) == (3, "")
    (tmp_path / "new").mkdir()
    assert await _asked("restore", tmp_path, room="new") == {"branch": "main"}
    assert not mark.exists()


async def test_save_counts_what_nobody_else_has(plain: Path, tmp_path: Path) -> None:
    """The numbers are git's; a second save of the same name is the first."""
    states = ["unpushed", "stashes", "submodule", "staged_and_dirty", "untracked"]
    await _checkout(plain, tmp_path / "room", states)
    answer = await _asked("save", tmp_path)
    counted = {name: answer[name] for name in ("branch", "staged", "modified", "untracked", "stashes", "repositories")}
    assert counted == {
        "branch": "main",
        "staged": 4,
        "modified": 1,
        "untracked": 1,
        "stashes": 3,
        "repositories": 1,
    }
    assert answer["unpushed_commits"] == 1
    assert await _asked("save", tmp_path) == answer


async def test_save_of_what_git_cannot_read_says_so_and_holds_everything(plain: Path, tmp_path: Path) -> None:
    """A broken repository is saved as it is broken."""
    files = await _checkout(plain, tmp_path / "room", ["corrupt_head"])
    answer = await _asked("save", tmp_path)
    assert answer["complaint"].startswith("git fails in this workspace: ")
    await _asked("restore", tmp_path, room="new")
    assert contents(tmp_path / "new" / "files") == contents(files)


async def test_save_without_what_git_ignores_leaves_only_that_out(plain: Path, tmp_path: Path) -> None:
    """Where the installation says so, secrets and builds that git ignores are not kept; all else is."""
    files = await _checkout(plain, tmp_path / "room", ["ignored", "untracked"])
    await _asked("save", tmp_path, with_ignored=False)
    await _asked("restore", tmp_path, room="new")
    left_out = contents(files).keys() - contents(tmp_path / "new" / "files").keys()
    assert left_out == {".env", "build", "build/out"}


@pytest.mark.parametrize("place", PLACES)
async def test_snapshot_that_dies_at_a_place_is_whole_or_not_there(plain: Path, tmp_path: Path, place: str) -> None:
    """Whoever asks again gets all of it, and the room is never there by halves."""
    files = await _checkout(plain, tmp_path / "room", ["stashes", "dirty"])
    died = []
    for action, room in (("save", "room"), ("restore", "new")):
        code, _ = await _run(action, tmp_path, room=room, fault=f"{place}:1:kill")
        assert code in {0, -signal.SIGKILL}
        if code:
            died.append(action)
            assert not (tmp_path / "new" / "files").exists()
            await _asked(action, tmp_path, room=room)
    assert len(died) == 1
    assert contents(tmp_path / "new" / "files") == contents(files)


async def _asked(action: str, folder: Path, **wishes: Any) -> dict[str, Any]:
    code, said = await _run(action, folder, **wishes)
    assert code == 0
    answer: dict[str, Any] = json.loads(said)
    return answer


async def _run(
    action: str,
    folder: Path,
    *,
    room: str = "room",
    sandbox: str = "process",
    with_ignored: bool = True,
    fault: str = "",
) -> tuple[int | None, bytes]:
    """Do what the workspace service does; the one save of the folder."""
    wish = {
        "action": action,
        "vault": str(folder / "vault.git"),
        "save_id": "one",
        "room": str(folder / room),
        "restoration": "one",
        "sandbox": sandbox,
        "hidden": [],
        "size_limit": LIMIT,
        "with_ignored": with_ignored,
    }
    pipe = asyncio.subprocess.PIPE
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path), "FAULT": fault}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "runner.snapshot"), stdin=pipe, stdout=pipe, env=environment
    )
    said, _ = await process.communicate(json.dumps(wish).encode())
    return process.returncode, said
