"""The shell of a terminal: which program, in which folder, with which environment."""

import os
import pwd
import shutil
from collections.abc import Mapping
from pathlib import Path

from runner.errors import InvalidWorkingDirectory, ShellNotFound
from runner.sandbox import Program

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for: the runner's own PATH is nobody's business."""

_FIXED = frozenset({"HOME", "SHELL", "USER", "LOGNAME", "PWD"})
_SHELL_START = r"""# Made once by Stateroom; yours to change.
PS1='\[\e[1;36m\]${WORKSPACE_NAME:-room}\[\e[0m\]:\[\e[1;34m\]\W\[\e[0m\]\$ '
alias ls='ls --color=auto'
"""


def describe(room: Path, name: str, working_directory: str, variables: Mapping[str, str]) -> Program:
    """Return the interactive shell to start.

    Args:
        room: the folder with `files` and `home`.
        name: of the shell, as found in PATH.
        working_directory: relative to `files`; empty for `files` itself.
        variables: what the caller wants in the environment; HOME, SHELL, USER, LOGNAME and PWD stay ours.
            The contract sees to their form.

    Raises:
        ShellNotFound: the shell is not installed.
        InvalidWorkingDirectory: it is no folder, or lies outside `files`.
    """
    shell = shutil.which(name, path=PATH)
    if shell is None:
        raise ShellNotFound(name)
    directory = _inside(room / "files", working_directory)
    user = _user_name()
    environment = {"PATH": PATH, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    environment |= {key: value for key, value in variables.items() if key not in _FIXED}
    environment |= {"HOME": str(room / "home"), "SHELL": shell, "USER": user, "LOGNAME": user, "PWD": str(directory)}
    return Program((shell, "-i"), environment, directory, terminal=True)


def furnish(home: Path) -> None:
    """Give a home its prompt, once; a link that stands in the place is left alone."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(home / ".bashrc", flags, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(_SHELL_START)


def _inside(files: Path, relative: str) -> Path:
    if relative.startswith("/") or "\0" in relative:
        raise InvalidWorkingDirectory(relative)
    try:
        directory = (files / relative).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise InvalidWorkingDirectory(relative) from error
    if not directory.is_relative_to(files.resolve()) or not directory.is_dir():
        raise InvalidWorkingDirectory(relative)
    return directory


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
