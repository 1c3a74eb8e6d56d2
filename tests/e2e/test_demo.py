"""The whole installation as a new user starts it: the tour on a real repository, and what is left afterwards."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import lock

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="sr-test-") as path:
        yield Path(path)


async def _run(*arguments: str, folder: Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        cwd=folder,
        env=_environment(folder),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    output = (await process.stdout.read()).decode()
    return await process.wait(), output


def _environment(folder: Path) -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "gen" / "python")])
    identity = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    return {"PATH": os.defpath, "HOME": str(folder), "PYTHONPATH": paths, "TMPDIR": str(folder), **identity}


async def _repository(folder: Path) -> Path:
    path = folder / "repository"
    path.mkdir()
    (path / "README").write_text("hello\n")
    script = f"cd {path} && git init -q && git add . && git commit -qm 'The first commit'"
    process = await asyncio.create_subprocess_exec("sh", "-c", script, env=_environment(folder))
    assert await process.wait() == 0
    return path


@pytest.mark.timeout(180)
async def test_demo_real_repository_every_claim_holds(folder: Path) -> None:
    """The tour passes, and nothing that it started runs afterwards."""
    repository = await _repository(folder)
    data = folder / "data"
    arguments = ("-P", "-m", "embedded", "demo", "--once", "--repo", str(repository), "--data", str(data))
    code, output = await _run(*arguments, folder=folder)
    assert code == 0, output
    assert "The first commit" in output
    assert not lock.is_held(data)
    assert not _processes_of(data)


def _processes_of(data: Path) -> list[str]:
    """Return the command lines that name the installation's folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(data) in line:
            found.append(line)
    return found
