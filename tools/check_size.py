"""Fail on hand-written files that are too long to read in one go, and name those that are on the way there."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMITS = {".py": 400, ".proto": 400, ".tsx": 250}
TEST_LIMIT = 500
WARN = 0.75
"""Part of its limit at which a file is named."""

EXCEPTIONS: dict[str, str] = {
    "protos/stateroom/error/v1/error_reason.proto": "a table, with one entry for each reason that callers may meet",
}
"""Longer files, each with the reason."""


def limit_of(path: str) -> int | None:
    """Return how many lines a file may have; None when its length does not matter."""
    if path.startswith("gen/") or path in EXCEPTIONS:
        return None
    return TEST_LIMIT if path.startswith("tests/") else LIMITS.get(Path(path).suffix)


def main() -> None:
    """Measure every tracked file."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607  # git is where the caller has it
    too_long = 0
    for path in listed.stdout.splitlines():
        limit = limit_of(path)
        if limit is None or not (ROOT / path).is_file():
            continue
        lines = len((ROOT / path).read_text().splitlines())
        if lines > limit * WARN:
            print(f"{'too long' if lines > limit else 'long'}: {path} has {lines} lines, the limit is {limit}")
        too_long += lines > limit
    sys.exit(1 if too_long else 0)


if __name__ == "__main__":
    main()
