"""git, told to run nothing of the repository's own."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from runner.inside.report import Refused

_PATH = "/usr/local/bin:/usr/bin:/bin"
_ENVIRONMENT = {
    "PATH": _PATH,
    "HOME": "/tmp",  # noqa: S108  # the sandbox's own
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
}
_OPTIONS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "safe.directory=*")
_COMPLAINT = 300  # characters


def run(
    *arguments: str, stdin: bytes = b"", folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> bytes:
    """Run git and return what it prints. GIT_FAILED with its last complaint."""
    done = start(("git", *_OPTIONS, *arguments), stdin=stdin, folder=folder, environment=environment)
    if done.returncode != 0:
        reason = "GIT_FAILED"
        raise Refused(reason, complaint(done.stderr) or f"git ended with {done.returncode}")
    return done.stdout


def start(
    command: Sequence[str], *, stdin: bytes, folder: Path | None, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """Run a command as git is run, to its end."""
    return subprocess.run(  # noqa: S603  # arguments of ours; no shell reads them
        command,
        input=stdin,
        cwd=folder,
        env={**_ENVIRONMENT, **(environment or {})},
        capture_output=True,
        check=False,
    )


def complaint(said: bytes) -> str:
    """Return the last line that git said, without what a terminal would obey."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    for prefix in ("fatal: ", "error: "):
        last = last.removeprefix(prefix)
    return "".join(char if char.isprintable() else " " for char in last)[:_COMPLAINT]
