"""I27: no call touches anything outside the workspace, whatever somebody does to the links meanwhile."""

from pathlib import Path

import pytest

from runner.files.servicer import FileServicer
from tests.support.file_race import race


@pytest.mark.invariant("I27")
async def test_calls_while_links_are_swapped_never_leave_the_workspace(
    files: FileServicer, tree: Path, tmp_path: Path
) -> None:
    """Some calls meet the directory and are done, some meet the link and are refused, and none gets outside."""
    counts = await race(files, tree, tmp_path / "outside", operations=600)
    assert counts["done"] > 0
    assert counts["PATH_OUTSIDE_WORKSPACE"] > 0
