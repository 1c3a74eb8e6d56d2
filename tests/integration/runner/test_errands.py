"""Our own programs inside the sandbox: edits of files, templates and tools."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chassis import ids
from runner.errands import Errand
from runner.errors import CloneFailed
from runner.record import exit_of
from runner.terminals import Terminals
from tests.support.git import ENVIRONMENT, Origin, make_origin
from tests.support.runner_rooms import Follower, open_live, order

MARK = "a-mark"
Edit = dict[str, Any]


class Room:
    """A room with a repository, and what is done in it."""

    def __init__(self, table: Terminals, folder: Path) -> None:
        self.table = table
        self.files = folder / "files"
        self.git("init", "--quiet")

    def git(self, *arguments: str) -> str:
        """Run git in the workspace."""
        done = subprocess.run(  # ours
            ("git", *arguments), cwd=self.files, env=ENVIRONMENT, capture_output=True, text=True, check=True
        )
        return done.stdout

    async def run(self, program: str, wanted: dict[str, Any], action_id: str = "") -> dict[str, Any]:
        """Run a program to its end and return its report."""
        content = {"action_id": action_id or str(ids.new()), "mark": MARK, program: wanted}
        errand = Errand(program, json.dumps(content).encode())
        follower = Follower((await open_live(self.table, order(piped=True, errand=errand))).spool)
        ended = exit_of(await follower.end())
        lines = [line for line in follower.output.decode().split("\n") if line.startswith(f"\x1e{MARK} ")]
        report: dict[str, Any] = json.loads(lines[-1].partition(" ")[2])
        assert ended.code == (1 if "failure" in report else 0), follower.output.decode()
        return report

    async def modify(self, *edits: Edit, action_id: str = "") -> dict[str, Any]:
        """Change files and return the report."""
        return await self.run("modify_files", {"edits": list(edits)}, action_id)

    def content(self) -> dict[str, bytes]:
        """Return all files but git's own."""
        paths = (path for path in self.files.rglob("*") if path.is_file() and ".git" not in path.parts)
        return {str(path.relative_to(self.files)): path.read_bytes() for path in paths}


@pytest.fixture
def here(table: Terminals, room_folder: Path) -> Room:
    """Return the room."""
    return Room(table, room_folder)


@pytest.fixture
async def origin(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """Return a repository with one commit on its branch `main`."""
    return await make_origin(tmp_path_factory.mktemp("origin"))


def _create(path: str, content: str = "", **values: Any) -> Edit:
    return {"create": {"path": path, "content": content, **values}}


def _replace(path: str, old: str, new: str, **values: Any) -> Edit:
    return {"replace": {"path": path, "old_text": old, "new_text": new, **values}}


async def test_modify_files_applies_every_kind_of_edit_in_order(here: Room) -> None:
    """Each edit finds what the ones before it left; modes and bytes stay; the report names what changed."""
    (here.files / "run.sh").write_bytes(b"#!/bin/sh\r\necho one\n\xff")
    (here.files / "run.sh").chmod(0o750)
    (here.files / "old").write_text("x")
    (here.files / "lines").write_text("a\nb\nc\n")
    diff = (
        "--- a/lines\n+++ b/lines\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n--- /dev/null\n+++ b/sub/new\n@@ -0,0 +1 @@\n+n\n"
    )
    report = await here.modify(
        _create("a/deep/file", "ünï\n", executable=True),
        _replace("a/deep/file", "ü", "u"),
        _replace("run.sh", "one", "two"),
        {"patch": {"diff": diff}},
        {"delete": {"path": "old"}},
        _create("gone"),
        {"delete": {"path": "gone"}},
    )
    assert here.content() == {
        "a/deep/file": "unï\n".encode(),
        "run.sh": b"#!/bin/sh\r\necho two\n\xff",
        "lines": b"a\nB\nc\n",
        "sub/new": b"n\n",
    }
    assert [os.stat(here.files / name).st_mode & 0o777 for name in ("run.sh", "a/deep/file")] == [0o750, 0o755]  # noqa: PTH116  # one line
    changed = {file["path"]: file["change"] for file in report["result"]["modified_files"]["files"]}
    assert changed == {
        "a/deep/file": "CREATED",
        "lines": "MODIFIED",
        "old": "DELETED",
        "run.sh": "MODIFIED",
        "sub/new": "CREATED",
    }
    assert not here.git("branch", "--list")


async def test_modify_files_that_cannot_be_changes_nothing(here: Room) -> None:
    """Not even what the edits before it said, nor what was written when writing fails."""
    (here.files / "there").write_text("text")
    (here.files / "closed").mkdir()
    before = here.content()
    report = await here.modify(_create("first", "x"), _replace("there", "absent", "x"))
    assert (report["failure"]["reason"], report["failure"]["edit"], report["result"]) == ("TEXT_NOT_FOUND", 2, None)
    failed = await here.modify(_create("first", "x"), _create("second", "x"), _create("second/third", "x"))
    assert failed["failure"]["reason"] == "FILE_NOT_EDITABLE"
    assert here.content() == before
    assert not here.git("for-each-ref")


async def test_modify_files_again_with_the_same_action_changes_nothing_more(here: Room) -> None:
    """What somebody did since is not undone."""
    action_id = str(ids.new())
    first = await here.modify(_create("file", "ours"), action_id=action_id)
    (here.files / "file").write_text("theirs")
    assert await here.modify(_create("file", "ours"), action_id=action_id) == first
    assert here.content() == {"file": b"theirs"}


async def test_modify_files_killed_in_the_middle_is_finished_by_the_next_run(here: Room) -> None:
    """What was decided is kept before the first file is touched, so half a change becomes a whole one."""
    action_id = str(ids.new())
    edits = (_create("one", "1"), _create("two", "2"))
    await here.modify(*edits, action_id=action_id)
    kept = here.git("rev-parse", f"refs/stateroom/undo/{action_id}").strip()
    (here.files / "two").unlink()
    here.git("update-ref", f"refs/stateroom/doing/{action_id}", kept)
    here.git("update-ref", "-d", f"refs/stateroom/undo/{action_id}")
    await here.modify(*edits, action_id=action_id)
    assert here.content() == {"one": b"1", "two": b"2"}
    assert here.git("for-each-ref", "--format=%(refname)").split() == [f"refs/stateroom/undo/{action_id}"]


async def test_modify_files_told_to_end_while_it_changes_files_does_all_or_nothing(here: Room) -> None:
    """TERM at any moment leaves every file or none."""
    for _ in range(2):
        errand = Errand(
            "modify_files",
            json.dumps(
                {
                    "action_id": str(ids.new()),
                    "mark": MARK,
                    "modify_files": {"edits": [_create(f"{ids.new()}/{number}", "x") for number in range(40)]},
                }
            ).encode(),
        )
        terminal = await open_live(here.table, order(piped=True, errand=errand))
        await terminal.signal(signal.SIGTERM, 5, "test")
        await Follower(terminal.spool).end()
        assert len(here.content()) % 40 == 0


async def test_undo_takes_back_what_has_not_changed_since(here: Room) -> None:
    """Also an undo itself; a file that somebody changed is left alone, and so are all others."""
    (here.files / "kept").write_text("old")
    first, second = str(ids.new()), str(ids.new())
    await here.modify(_replace("kept", "old", "new"), _create("made", "x"), action_id=first)
    undone = await here.run("undo", {"action_id": first}, second)
    assert here.content() == {"kept": b"old"}
    assert {file["change"] for file in undone["result"]["modified_files"]["files"]} == {"MODIFIED", "DELETED"}
    await here.run("undo", {"action_id": second})
    assert here.content() == {"kept": b"new", "made": b"x"}
    (here.files / "made").write_text("mine")
    refused = await here.run("undo", {"action_id": first})
    assert (refused["failure"]["reason"], refused["failure"]["path"]) == ("FILE_CHANGED", "made")
    assert here.content() == {"kept": b"new", "made": b"mine"}
    unknown = await here.run("undo", {"action_id": str(ids.new())})
    assert unknown["failure"]["reason"] == "UNDO_NOT_FOUND"


async def test_clone_template_puts_its_files_without_its_history(here: Room, origin: Origin) -> None:
    """Into the workspace beside what is there, or into a folder; the branch of the workspace does not move."""
    here.table._allow_local = True  # noqa: SLF001  # as an installation may say
    await origin.commit("second.txt", b"2")
    (here.files / "mine").write_text("x")
    report = await here.run("clone_template", {"repository_url": origin.url})
    assert sorted(here.content()) == ["README.md", "mine", "second.txt"]
    assert report["result"]["cloned_template"]["file_count"] == 2
    await here.run("clone_template", {"repository_url": origin.url, "directory": "a/b", "branch": "other"})
    assert "a/b/other.txt" in here.content()
    assert not here.git("for-each-ref")
    assert not list((here.files / ".git").glob("stateroom*"))
    refused = await here.run("clone_template", {"repository_url": origin.url})
    assert (refused["failure"]["reason"], refused["failure"]["path"]) == ("FILE_EXISTS", "README.md")


async def test_clone_template_through_a_link_or_a_file_is_refused(here: Room, origin: Origin) -> None:
    """It lands where its folder says, and never in git's own."""
    here.table._allow_local = True  # noqa: SLF001  # as an installation may say
    (here.files / "git").symlink_to(".git")
    (here.files / "up").symlink_to("..")
    (here.files / "file").write_text("x")
    before = sorted(here.content())
    for directory in ("git/new", "up/home/new", "file/new", "new/.git/x", "x" * 300):
        refused = await here.run("clone_template", {"repository_url": origin.url, "directory": directory})
        assert refused["failure"]["reason"] in {"FILE_NOT_EDITABLE", "PATH_NOT_ALLOWED"}, directory
    assert sorted(here.content()) == before
    assert not (here.files / ".git" / "new").exists()


async def test_clone_template_that_may_not_be_cloned_is_not_started(here: Room, origin: Origin) -> None:
    """The rules are those of workspaces."""
    for url in (origin.url, "http://example.com/a", "https://a:b@example.com/a"):
        with pytest.raises(CloneFailed):
            await here.run("clone_template", {"repository_url": url})


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return what puts a tool, as a script, where the room has its own."""
    monkeypatch.setattr("runner.errands.PATH", str(tmp_path / "rooms" / "room" / "home"))

    def make(name: str, script: str) -> None:
        tool = tmp_path / "rooms" / "room" / "home" / name
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)

    return make


async def test_configure_tooling_installs_what_the_files_call_for(
    here: Room, tools: Callable[[str, str], None]
) -> None:
    """By the lock file where there is one; each tool's own output is that of the session."""
    for name in ("package.json", "pnpm-lock.yaml", "go.mod", "Makefile"):
        (here.files / name).touch()
    for name in ("pnpm", "npm", "go", "make"):
        tools(name, f'[ "$1" = version ] || [ "$1" = --version ] && echo {name} 1.2 || echo "$@" > did-{name}')
    report = await here.run("configure_tooling", {})
    found = [(tool["name"], tool["manifest"], tool["outcome"]) for tool in _tools(report)]
    assert found == [
        ("pnpm", "pnpm-lock.yaml", "INSTALLED"),
        ("go", "go.mod", "INSTALLED"),
        ("make", "Makefile", "PRESENT"),
    ]
    assert _tools(report)[0]["version"] == "pnpm 1.2"
    assert here.content()["did-pnpm"] == b"install --frozen-lockfile\n"
    named = await here.run("configure_tooling", {"tools": ["npm"]})
    assert [tool["manifest"] for tool in _tools(named)] == ["package.json"]


async def test_configure_tooling_without_a_tool_says_which_and_what_was_done(
    here: Room, tools: Callable[[str, str], None]
) -> None:
    """A missing or failing tool does not keep the others from their work."""
    for name in ("go.mod", "Cargo.toml", "composer.json"):
        (here.files / name).touch()
    tools("go", '[ "$1" = version ] && echo go 1.2 || exit 3')
    tools("composer", "echo composer 2")
    report = await here.run("configure_tooling", {})
    assert [tool["outcome"] for tool in _tools(report)] == ["FAILED", "MISSING", "INSTALLED"]
    assert report["failure"] == {
        "reason": "TOOL_MISSING",
        "message": "cargo: not installed in this workspace",
        "path": "",
        "edit": 0,
    }
    (here.files / "Cargo.toml").unlink()
    assert (await here.run("configure_tooling", {}))["failure"]["reason"] == "TOOL_FAILED"


def _tools(report: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = report["result"]["configured_tooling"]["tools"]
    return found
