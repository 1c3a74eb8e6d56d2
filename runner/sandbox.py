"""The walls around every shell and git process: which level this machine allows, and what a program sees inside."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs of a room are looked for: the runner's own PATH is nobody's business."""

_SYSTEM_PATHS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix")
"""What programs need of the machine; shown read-only, where it exists."""

MACHINE_WIDE = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "driver", "scsi", "mtrr")
"""Entries of /proc that set up the whole machine; Linux asks for user 0 there, not for a capability."""

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts")
"""What programs get of a /dev that is not their own: the harmless devices, and terminals."""

_SHARED_MEMORY = "/dev/shm"  # noqa: S108  # where it is

_RESOLVER = Path("/etc/resolv.conf")


class Level(StrEnum):
    """How strong the walls are, strongest first."""

    BWRAP = "bwrap"
    NAMESPACES = "namespaces"
    LANDLOCK = "landlock"
    PROCESS = "process"

    @property
    def and_stronger(self) -> "list[Level]":
        """This level and all that are stronger, strongest first."""
        levels = list(Level)
        return levels[: levels.index(self) + 1]

    @property
    def shows_processes(self) -> bool:
        """Whether programs see the processes of the outside, the runner's too."""
        return self in (Level.LANDLOCK, Level.PROCESS)

    @property
    def detail(self) -> str:
        """What the level protects and what not, in one sentence."""
        return _DETAILS[self]

    def obstacle(self, failure: str) -> str:
        """Say why the level is not in force and what to do about it, given what its attempt said."""
        if self is Level.BWRAP and shutil.which("bwrap") is None:
            return "bwrap: bubblewrap is not installed; `apt install bubblewrap`, or what your system has for that."
        return f"{self}: {failure or 'programs inside it fail'}; {_REMEDIES[self]}."

    @property
    def keepers(self) -> int:
        """How many generations of ours stand between the keeper process and the program."""
        return {Level.BWRAP: 2, Level.NAMESPACES: 1, Level.LANDLOCK: 0, Level.PROCESS: 0}[self]


_DETAILS = {
    Level.BWRAP: (
        "bubblewrap: programs see this room's files and home, the system read-only and only their own processes, "
        "without capabilities, but share the machine's network and kernel."
    ),
    Level.NAMESPACES: (
        "Linux namespaces: programs see this room's files and home, the system read-only and only their own processes, "
        "without capabilities, but share the machine's network and kernel."
    ),
    Level.LANDLOCK: (
        "Landlock: programs write this room's files and home and read the system; they reach no other file, no memory "
        "of a process outside and, since Linux 6.12, signal none. They see names, sizes and processes of the machine, "
        "can change modes of the user's files, and share /dev/shm, the machine's network and kernel."
    ),
    Level.PROCESS: (
        "Separate process sessions only: programs get a clean environment and no new privileges, but can read "
        "everything that the user of the runner can read, also other rooms."
    ),
}


_REMEDIES = {
    Level.BWRAP: "try `bwrap --ro-bind / / true` as the same user",
    Level.NAMESPACES: (
        "start as root, or allow user namespaces: see the sysctls user.max_user_namespaces, "
        "kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns"
    ),
    Level.LANDLOCK: (
        "it needs Linux 5.13 with `landlock` in /sys/kernel/security/lsm, and in a container a seccomp profile that "
        "allows its calls"
    ),
    Level.PROCESS: "see the runner's log",
}


@dataclass(frozen=True, slots=True)
class Program:
    """What runs inside: `arguments[0]` is an absolute path.

    Attributes:
        readable: paths it may read beside the system's.
        writable: paths it may write, if they are not the room's `files` and `home`.
        hangs_up: whether it is told to end by HUP too, as a shell that a person types into ignores TERM.
        secrets: what is masked in what it prints, by name.
        reads: what stands on its standard input, unless that is a terminal.
        spoken: descriptors that become its standard input and output; None for the terminal's own.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    terminal: bool = False
    readable: Sequence[Path] = ()
    writable: Sequence[Path] | None = None
    hangs_up: bool = False
    secrets: Mapping[str, bytes] = field(default_factory=dict)
    reads: bytes = b""
    spoken: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The walls of one room.

    Attributes:
        room: the folder whose `files` and `home` programs may write; `root` in it is where the inside is put together.
        hidden: folders of the installation that no program may see, even where a path that it may read contains them.
        temporary: a folder for temporary files, where programs have no /tmp of their own; None for `tmp` in the room.
        obstacle: why no stronger level is in force, and what to do about it; empty when none is stronger.
    """

    level: Level
    room: Path
    hidden: Sequence[Path]
    temporary: Path | None = None
    obstacle: str = ""

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
                "machine_wide": list(MACHINE_WIDE),
                "late_read_only": list(map(str, program.readable)),
                "hidden": self._hidden(program),
                "writable": self._writable(program),
            }
        if self.level is Level.LANDLOCK:
            described |= self._by_landlock(program)
        if self.level is Level.BWRAP:
            described |= self._through_bubblewrap(program)
        return described

    def _through_bubblewrap(self, program: Program) -> dict[str, object]:
        # Root keeps its capabilities, and with them the whole machine, unless they are dropped by name.
        options = ["--unshare-pid", "--unshare-ipc", "--die-with-parent", "--clearenv", "--cap-drop", "ALL"]
        options += ["--tmpfs", "/tmp", "--tmpfs", "/run", "--proc", "/proc", "--dev", "/dev"]  # noqa: S108 the inside's own
        options += ["--dir", "/var", "--symlink", "/tmp", "/var/tmp"]  # noqa: S108 the inside's own
        for path in _existing([f"/proc/{name}" for name in MACHINE_WIDE]):
            options += ["--ro-bind", path, path]
        for system in map(Path, _existing(_SYSTEM_PATHS) + _resolver()):
            kind, source = ("--symlink", system.readlink()) if system.is_symlink() else ("--ro-bind", system)
            options += [kind, str(source), str(system)]
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

    def _by_landlock(self, program: Program) -> dict[str, object]:
        readable = map(Path, ("/proc", *_existing(_SYSTEM_PATHS), *_resolver()))
        writable, environment = [_SHARED_MEMORY, *self._writable(program)], dict(program.environment)
        if program.writable is None:
            temporary = str(self.temporary or self.room / "tmp")
            writable.append(temporary)
            environment = {"TMPDIR": temporary, "TMPPREFIX": f"{temporary}/zsh"} | environment
        return {
            "readable": [str(shown) for path in (*readable, *program.readable) for shown in self._without_hidden(path)],
            "writable": writable,
            "devices": [f"/dev/{name}" for name in _DEVICES],
            "environment": environment,
        }

    def _without_hidden(self, path: Path) -> Iterator[Path]:
        """Yield a path; or where something hidden lies beneath, its parts, because a rule holds for all beneath."""
        if path in self.hidden:
            return
        if not any(hidden.is_relative_to(path) for hidden in self.hidden):
            yield path
            return
        for part in path.iterdir():
            if not part.is_symlink():
                yield from self._without_hidden(part)

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
