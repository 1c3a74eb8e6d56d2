"""The files of a room with what looks like a repository."""

from pathlib import Path

import pytest

from runner.files.servicer import FileServicer
from runner.git import Git
from runner.sandbox import Level, Sandbox


@pytest.fixture
def tree(room_folder: Path) -> Path:
    """The workspace's directory."""
    folder = room_folder.resolve() / "files"
    (folder / ".git" / "hooks").mkdir(parents=True)
    return folder


@pytest.fixture
def files(tree: Path) -> FileServicer:
    """Its files; what searches them runs without walls, which have tests of their own."""
    sandbox = Sandbox(Level.PROCESS, tree.parent, [])
    return FileServicer.of(tree.parent, sandbox, Git(tree.parent, sandbox))
