"""I27 for long: twenty thousand calls against a link that is swapped all the time."""

from pathlib import Path

import pytest

from runner.files.servicer import FileServicer
from runner.git import Git
from runner.sandbox import Level, Sandbox
from tests.support.file_race import race


@pytest.mark.thorough
@pytest.mark.invariant("I27")
@pytest.mark.timeout(300)
async def test_many_calls_while_links_are_swapped_never_leave_the_workspace(tmp_path: Path) -> None:
    """What is outside is as it was, and no byte of it was given to anybody."""
    room = tmp_path / "room"
    for name in ("files", "staging"):
        (room / name).mkdir(parents=True)
    sandbox = Sandbox(Level.PROCESS, room, [])
    files = FileServicer.of(room, sandbox, Git(room, sandbox))
    counts = await race(files, room / "files", tmp_path / "outside", operations=20_000)
    assert min(counts["done"], counts["PATH_OUTSIDE_WORKSPACE"]) > 100
