"""Lint the contracts, check their form, and compare them with those of the last release. Nothing is downloaded.

buf reads the generated descriptor set, which holds every import; `buf.yaml` has the rules.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
DESCRIPTORS = "gen/python/stateroom/descriptors.binpb"
BUF = Path(sys.executable).parent / "buf"
NO_RULES = '{"version": "v2"}'


def buf(*arguments: str, folder: Path = ROOT) -> bool:
    """Run buf and return whether it was content; what it finds goes to the console."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {"HOME": cache, "PATH": "/usr/bin:/bin"}
        return subprocess.run([BUF, *arguments], cwd=folder, env=environment, check=False).returncode == 0


def git(*arguments: str) -> bytes | None:
    """Return what git prints, None when it fails."""
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)  # noqa: S607  # the caller's git
    return result.stdout if result.returncode == 0 else None


def compatible() -> bool:
    """Whether clients of the last release keep working."""
    tag = (git("describe", "--tags", "--abbrev=0", "--match", "v*") or b"").decode().strip()
    released = git("show", f"{tag}:{DESCRIPTORS}") if tag else None
    if released is None:
        print("contracts: no release yet to compare with")
        return True
    with tempfile.TemporaryDirectory() as scratch:
        against = Path(scratch) / "released.binpb"
        against.write_bytes(released)
        return buf("breaking", DESCRIPTORS, "--config", "buf.yaml", "--against", str(against))


def main() -> None:
    """Run all three checks, even after one fails."""
    outcomes = (
        buf("lint", DESCRIPTORS, "--config", "buf.yaml"),
        buf("format", ".", "--diff", "--exit-code", "--config", NO_RULES, folder=PROTOS),
        compatible(),
    )
    sys.exit(0 if all(outcomes) else 1)


if __name__ == "__main__":
    main()
