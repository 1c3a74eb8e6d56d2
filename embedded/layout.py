"""Where everything of an installation lies below its data folder."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from embedded import private_files
from embedded.errors import StartFailed

RUNTIME_PATH_LIMIT = 60
"""Bytes of the folder for sockets: a runner's socket, with its id, must still fit into 107."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one installation. `data` is absolute, `runtime` short; both are private to their owner."""

    data: Path
    runtime: Path

    @property
    def endpoint(self) -> Path:
        """How to reach a running installation; absent while it does not run."""
        return self.data / "endpoint.json"

    @property
    def owner(self) -> Path:
        """The first user's key; written once."""
        return self.data / "owner.json"

    @property
    def ports(self) -> Path:
        """The ports of the last start, taken again when they are free."""
        return self.data / "ports.json"

    @property
    def keys(self) -> Path:
        """Keys of the services, and the bootstrap token."""
        return self.data / "keys"

    @property
    def passwords(self) -> Path:
        """One file for each role of PostgreSQL and user of NATS."""
        return self.data / "passwords"

    @property
    def logs(self) -> Path:
        """One file for each process."""
        return self.data / "logs"

    @property
    def rooms(self) -> Path:
        """What the workspace service keeps: rooms and spools."""
        return self.data / "workspace"

    def make(self) -> None:
        """Make the folders."""
        for path in (self.data, self.keys, self.passwords, self.logs, self.rooms):
            private_files.folder(path)


def open_layout(data: Path, runtime_parent: str) -> Layout:
    """Return the layout of the data folder, and make its folders.

    The folder for sockets is remembered in the data folder, because runners outlive the supervisor with sockets in it.
    """
    private_files.folder(data)
    remembered = data / "runtime-folder"
    runtime = Path(remembered.read_text()) if remembered.exists() else None
    if runtime is None or not _usable(runtime):
        runtime = _new_runtime_folder(runtime_parent)
        private_files.write(remembered, str(runtime))
    layout = Layout(data=data, runtime=runtime)
    layout.make()
    return layout


def _usable(runtime: Path) -> bool:
    """Whether the folder is there and nobody else could have put it there."""
    try:
        status = runtime.lstat()
    except FileNotFoundError:
        return False
    return runtime.is_dir() and not runtime.is_symlink() and (status.st_uid, status.st_mode & 0o777) == (_user(), 0o700)


def _user() -> int:
    return Path("/proc/self").stat().st_uid


def _new_runtime_folder(parent: str) -> Path:
    usable_parent = (
        bool(parent) and len(parent) < RUNTIME_PATH_LIMIT - len("/stateroom-12345678") and Path(parent).is_dir()
    )
    runtime = Path(tempfile.mkdtemp(prefix="stateroom-", dir=parent if usable_parent else "/tmp"))  # noqa: S108  # mkdtemp makes it private
    if len(str(runtime)) > RUNTIME_PATH_LIMIT:
        msg = f"{runtime} is too long for sockets; unset XDG_RUNTIME_DIR."
        raise StartFailed(msg)
    return runtime
