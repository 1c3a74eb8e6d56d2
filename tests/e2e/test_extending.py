"""The worked examples in `docs/extending/`: every step is applied to a copy of the repository, and their tests run."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / "extending" / name for name in ("add-an-rpc.md", "add-a-table.md", "add-a-consumer.md")]
STEP = re.compile(
    r"^`(?P<path>[^`]+)`, new:\n\n```python\n(?P<text>.*?)^```|^```diff\n(?P<diff>.*?)^```", re.DOTALL | re.MULTILINE
)
EXAMPLES = ("tests/integration/workspace/test_rename_api_key.py", "tests/integration/workspace/test_usage.py")


def _copy(target: Path) -> None:
    listed = subprocess.check_output(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    )
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():  # not deleted since the last commit
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def _apply(page: Path, target: Path) -> int:
    """Apply the steps of a page, and return how many there were."""
    steps = list(STEP.finditer(page.read_text()))
    for step in steps:
        if step["diff"] is None:
            path = target / step["path"]
            assert not path.exists(), f"{path} is new only in the example; choose another name there"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step["text"])
        else:
            arguments = ["git", "apply", "--recount", "-C2", "--whitespace=nowarn", "-"]
            done = subprocess.run(
                arguments, cwd=target, input=step["diff"], text=True, capture_output=True, check=False
            )
            assert done.returncode == 0, f"{page.name}: {done.stderr}{step['diff']}"
    return len(steps)


async def _run(target: Path, *arguments: str) -> None:
    paths = os.pathsep.join([str(target), str(target / "gen" / "python")])
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}", "HOME": str(target), "PYTHONPATH": paths}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=target, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


@pytest.mark.timeout(240)
async def test_worked_examples_applied_in_order_generate_and_pass(tmp_path: Path) -> None:
    """What the pages say is enough: code is generated from it, it is clean, and its tests pass."""
    _copy(tmp_path)
    for page in PAGES:
        assert _apply(page, tmp_path) >= 5, page
    await _run(tmp_path, "tools/generate.py")
    await _run(tmp_path, "-m", "tools.reference")
    await _run(tmp_path, "-m", "ruff", "check", "--no-cache", "services", "tests")
    await _run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", *EXAMPLES)
