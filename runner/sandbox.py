"""The walls around every shell and git process: which level this machine allows, and what a program sees inside."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_SYSTEM_PATHS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix")
"""What programs need of the machine; shown read-only, where it exists."""

_RESOLVER = Path("/etc/resolv.conf")


class Level(StrEnum):
    """How strong the walls are, strongest first."""

    BWRAP = "bwrap"
    NAMESPACES = "namespaces"
    PROCESS = "process"

    @property
    def detail(self) -> str:
        """What the level protects and what not, in one sentence."""
        return _DETAILS[self]

    @property
    def keepers(self) -> int:
        """How many generations of ours stand between the keeper process and the program."""
        return {Level.BWRAP: 2, Level.NAMESPACES: 1, Level.PROCESS: 0}[self]


_DETAILS = {
    Level.BWRAP: (
        "bubblewrap: programs see this room's files and home, the system read-only and only their own processes, "
        "but share the machine's network and kernel."
    ),
    Level.NAMESPACES: (
        "Linux namespaces: programs see this room's files and home, the system read-only and only their own processes, "
        "without capabilities, but share the machine's network and kernel."
    ),
    Level.PROCESS: (
        "Separate process sessions only: programs get a clean environment and no new privileges, but can read "
        "everything that the user of the runner can read, also other rooms."
    ),
}


@dataclass(frozen=True, slots=True)
class Program:
    """What runs inside: `arguments[0]` is an absolute path.

    Attributes:
        readable: paths it may read beside the system's.
        writable: paths it may write, if they are not the room's `files` and `home`.
        hangs_up: whether it is told to end by HUP too, as a shell that a person types into ignores TERM.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    terminal: bool = False
    readable: Sequence[Path] = ()
    writable: Sequence[Path] | None = None
    hangs_up: bool = False


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The walls of one room.

    Attributes:
        room: the folder whose `files` and `home` programs may write; `root` in it is where the inside is put together.
        hidden: folders of the installation that no program may see, even where a path that it may read contains them.
    """

    level: Level
    room: Path
    hidden: Sequence[Path]

    def shows(self, path: Path) -> bool:
        """Whether programs inside see a file of the outside; `path` has no links in it."""
        if any(path.is_relative_to((self.room / part).resolve()) for part in ("files", "home")):
            return True
        shown = any(path.is_relative_to(Path(folder)) for folder in _SYSTEM_PATHS)
        return shown and not any(path.is_relative_to(folder) for folder in self.hidden)

    def describe(self, program: Program) -> dict[str, object]:
        """Return what `enter.py` needs to start the program."""
        described: dict[str, object] = {
            "level": self.level.value,
            "parent": os.getpid(),
            "terminal": program.terminal,
            "directory": str(program.directory),
            "argv": list(program.arguments),
            "environment": dict(program.environment),
            "options": [],
        }
        if self.level is Level.NAMESPACES:
            described |= {
                "root": str(self.room / "root"),
                "read_only": _existing(_SYSTEM_PATHS) + _resolver(),
                "late_read_only": list(map(str, program.readable)),
                "hidden": self._hidden(program),
                "writable": self._writable(program),
            }
        if self.level is Level.BWRAP:
            described |= self._through_bubblewrap(program)
        return described

    def _through_bubblewrap(self, program: Program) -> dict[str, object]:
        options = ["--unshare-pid", "--unshare-ipc", "--die-with-parent", "--clearenv"]
        options += ["--tmpfs", "/tmp", "--tmpfs", "/run", "--proc", "/proc", "--dev", "/dev"]  # noqa: S108 the inside's own
        for path in _existing(_SYSTEM_PATHS) + _resolver():
            if Path(path).is_symlink():
                options += ["--symlink", str(Path(path).readlink()), path]
            else:
                options += ["--ro-bind", path, path]
        for path in map(str, program.readable):
            options += ["--ro-bind", path, path]
        for path in self._hidden(program):
            options += ["--tmpfs", path]
        for path in self._writable(program):
            options += ["--bind", path, path]
        for name, value in program.environment.items():
            options += ["--setenv", name, value]
        options += ["--chdir", str(program.directory)]
        command = [shutil.which("bwrap") or "bwrap", "--"]
        if program.terminal:
            command += [shutil.which("setsid") or "setsid", "--ctty"]
        return {
            "terminal": False,
            "directory": "/",
            "environment": {},
            "argv": [*command, *program.arguments],
            "options": options,
        }

    def _hidden(self, program: Program) -> list[str]:
        shown = (*map(Path, _SYSTEM_PATHS), *program.readable)
        return [str(path) for path in self.hidden if any(path.is_relative_to(folder) for folder in shown)]

    def _writable(self, program: Program) -> list[str]:
        own = (self.room / "files", self.room / "home")
        return list(map(str, own if program.writable is None else program.writable))


def _existing(paths: Sequence[str]) -> list[str]:
    return [path for path in paths if os.path.lexists(path)]


def _resolver() -> list[str]:
    """The name server list, where /etc only links to it."""
    target = _RESOLVER.resolve()
    return [str(target)] if target != _RESOLVER and target.is_file() else []
