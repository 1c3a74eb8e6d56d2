"""What runs in a terminal, a shell or a command: which program, in which folder, with which environment."""

import os
import pwd
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from runner.errors import CommandNotFound, InvalidWorkingDirectory, ShellNotFound
from runner.sandbox import PATH, Program, Sandbox

_TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
_FIXED = frozenset({"HOME", "SHELL", "USER", "LOGNAME", "PWD"})

_BASH_START = r"""# Made once by Stateroom; yours to change.
PS1='\[\e[1;36m\]${WORKSPACE_NAME:-room}\[\e[0m\]:\[\e[1;34m\]\W\[\e[0m\]\$ '
alias ls='ls --color=auto'
"""
_ZSH_START = r"""# Made once by Stateroom; yours to change.
PROMPT="%B%F{cyan}${WORKSPACE_NAME:-room}%f%b:%B%F{blue}%1~%f%b%# "
HISTFILE=~/.zsh_history HISTSIZE=2000 SAVEHIST=2000
alias ls='ls --color=auto'
"""
_FISH_START = r"""# Made once by Stateroom; yours to change.
set -q fish_greeting; or set -g fish_greeting
function fish_prompt
    set -q WORKSPACE_NAME; and set -l room $WORKSPACE_NAME; or set -l room room
    printf '%s%s%s:' (set_color -o cyan) $room (set_color normal)
    printf '%s%s%s> ' (set_color -o blue) (prompt_pwd) (set_color normal)
end
"""

_START_FILES = {
    "bash": (".bashrc", _BASH_START),
    "zsh": (".zshrc", _ZSH_START),
    "fish": (".config/fish/config.fish", _FISH_START),
}
"""Shells by name, with the file that each reads when it starts and what stands in it at first."""


def describe(
    room: Path, name: str, working_directory: str, variables: Mapping[str, str], *, path: str = PATH
) -> Program:
    """Return the interactive shell to start.

    Args:
        room: the folder with `files` and `home`.
        name: of the shell, as found in `path`.
        working_directory: relative to `files`; empty for `files` itself.
        variables: what the caller wants in the environment; HOME, SHELL, USER, LOGNAME and PWD stay ours.
            The contract sees to their form.
        path: where shells are looked for.

    Raises:
        ShellNotFound: the shell is not installed.
        InvalidWorkingDirectory: it is no folder, or lies outside `files`.
    """
    installed = {known: found for known in _START_FILES if (found := shutil.which(known, path=path))}
    shell = installed.get(name)
    if shell is None:
        raise ShellNotFound(name, installed)
    directory = _inside(room / "files", working_directory)
    environment = _environment(room, shell, directory, variables)
    return Program((shell, "-i"), _TERMINAL | environment, directory, terminal=True, hangs_up=True)


def describe_command(  # what is asked for, and where it runs
    sandbox: Sandbox,
    command: Sequence[str],
    working_directory: str,
    variables: Mapping[str, str],
    *,
    terminal: bool,
    readable: Sequence[Path] = (),
) -> Program:
    """Return a command to start, as it is: no shell reads it.

    Its first word is a path, or a name that is looked for in PATH, from where the command starts. It may read what is
    `readable` beside what every program may.

    Raises:
        CommandNotFound: no program that the inside shows is called so.
        InvalidWorkingDirectory: it is no folder, or lies outside `files`.
    """
    directory = _inside(sandbox.room / "files", working_directory)
    shell = shutil.which("bash", path=PATH) or "/bin/sh"
    environment = _environment(sandbox.room, shell, directory, variables)
    program = _find(sandbox, command[0], directory, environment["PATH"], readable)
    if terminal:
        environment = _TERMINAL | environment
    return Program((program, *command[1:]), environment, directory, terminal=terminal, readable=readable)


def _environment(room: Path, shell: str, directory: Path, variables: Mapping[str, str]) -> dict[str, str]:
    user = _user_name()
    environment = {"PATH": PATH, "LANG": "C.UTF-8"}
    environment |= {key: value for key, value in variables.items() if key not in _FIXED}
    return environment | {
        "HOME": str(room / "home"),
        "SHELL": shell,
        "USER": user,
        "LOGNAME": user,
        "PWD": str(directory),
    }


def _find(sandbox: Sandbox, name: str, directory: Path, path: str, readable: Sequence[Path]) -> str:
    """Return the path of a program. What only the outside has is not there: its names are nobody's business."""
    folders = [directory] if "/" in name else [directory / folder for folder in path.split(":")]
    for candidate in (folder / name for folder in folders):
        try:
            found = candidate.resolve(strict=True)
        except (OSError, RuntimeError):
            continue
        shown = sandbox.shows(found) or any(found.is_relative_to(folder) for folder in readable)
        if shown and found.is_file() and os.access(found, os.X_OK):
            return str(candidate)
    raise CommandNotFound(name)


def furnish(home: Path, name: str) -> None:
    """Give a home the start-up file of a shell, once. Programs of the room own the home: no link in it is followed."""
    path, content = _START_FILES[name]
    *folders, file_name = path.split("/")
    try:
        folder = _enter(home, folders)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(file_name, flags, 0o600, dir_fd=folder)
        finally:
            os.close(folder)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
    except OSError:
        return  # it is there already, or the room has put something else in its place: the shell starts without ours


def _enter(home: Path, folders: list[str]) -> int:
    """Open a folder in a home, made where it is missing. OSError for a link or anything else in its place."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    inner = os.open(home, flags)
    for folder in folders:
        outer = inner
        try:
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700, dir_fd=outer)
            inner = os.open(folder, flags, dir_fd=outer)
        finally:
            os.close(outer)
    return inner


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
