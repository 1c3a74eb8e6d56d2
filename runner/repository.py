"""Which repositories may be cloned, and how git is called so that none of their content runs."""

import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from runner.errors import CloneFailed

GIT = shutil.which("git", path="/usr/local/bin:/usr/bin:/bin") or "/usr/bin/git"

ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/tmp",  # noqa: S108 the sandbox's own
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
}
"""Nobody's configuration, and no question that somebody would have to answer."""

SAFE_OPTIONS = tuple(
    part
    for option in (
        "protocol.allow=never",
        "protocol.https.allow=always",
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "submodule.recurse=false",
        "transfer.fsckObjects=true",
        "credential.helper=",
    )
    for part in ("-c", option)
)

_BRANCH = re.compile(r"(?!-)[^\x00-\x20\x7f~^:?*\[\\]+")
_BRANCH_NEVER = ("..", "@{", "//", "/.")
_CREDENTIAL = re.compile(r"(?<=://)[^/@\s]*@")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_CAUSE_LENGTH = 200


class Refusal(StrEnum):
    """Why we do not clone a repository, as opposed to what git says."""

    BRANCH = "the name of the branch is not valid"
    CHARACTERS = "the URL holds a space or a control character"
    LOCAL = "local paths are not allowed by this installation; use an https URL"
    MISSING = "there is no such folder"
    OWN_DATA = "the path lies inside this installation's own data"
    MALFORMED = "the URL is malformed"
    SCHEME = "only https URLs are allowed"
    CREDENTIAL = "the URL holds a credential"
    TIME = "it took longer than an hour"


@dataclass(frozen=True, slots=True)
class Source:
    """A repository that may be cloned: `url` is empty for a fresh one, `local` is the folder of a local one."""

    url: str
    local: Path | None = None

    @property
    def options(self) -> Sequence[str]:
        """What git needs beside the safe options."""
        return ("-c", "protocol.file.allow=always", "-c", "safe.directory=*") if self.local else ()


def check(url: str, branch: str, hidden: Sequence[Path] | None) -> Source:
    """Return the source behind a URL.

    Args:
        url: https, an absolute path, or empty for a fresh repository.
        branch: empty for the default.
        hidden: folders of the installation, from which nothing may be cloned (the sandbox hides them where they lie
            inside the repository); None where local paths are not allowed.

    Raises:
        CloneFailed: the URL or the branch is refused.
    """
    if branch and not _is_branch(branch):
        raise CloneFailed(Refusal.BRANCH)
    if not url:
        return Source("")
    if _CONTROL.search(url) or (" " in url and not url.startswith("/")):
        raise CloneFailed(Refusal.CHARACTERS)
    if url.startswith("/"):
        return Source(url, _local(url, hidden))
    _check_remote(url)
    return Source(url)


def fetch_arguments(source: Source, branch: str, directory: Path, *, depth: int = 0) -> list[str]:
    """Return git's arguments that fill an empty directory; with the newest `depth` commits, or all for 0."""
    if not source.url:
        return ["init", "--template=", f"--initial-branch={branch or 'main'}", "--", str(directory)]
    arguments = ["clone", "--progress", "--no-local", "--no-recurse-submodules", "--template="]
    if source.local:
        # git starts the sender without our options, so they go into its command
        arguments.append(f"--upload-pack={shlex.quote(GIT)} -c safe.directory=* upload-pack")
    if branch:
        arguments.append(f"--branch={branch}")
    if depth:
        arguments.append(f"--depth={depth}")
    return [*arguments, "--", str(source.local or source.url), str(directory)]


def redact(text: str) -> str:
    """Return one short line without credentials and without anything that a terminal would obey."""
    line = " ".join(_CONTROL.sub(" ", text).split()).removeprefix("fatal: ").removeprefix("error: ")
    return _CREDENTIAL.sub("", line)[:_CAUSE_LENGTH].rstrip(" .")


def _is_branch(name: str) -> bool:
    plain = _BRANCH.fullmatch(name) and not name.endswith((".lock", "/", "."))
    return bool(plain) and not any(part in name for part in _BRANCH_NEVER)


def _local(url: str, hidden: Sequence[Path] | None) -> Path:
    if hidden is None:
        raise CloneFailed(Refusal.LOCAL)
    path = Path(url).resolve()
    if not path.is_dir():
        raise CloneFailed(Refusal.MISSING)
    if any(path.is_relative_to(folder) for folder in hidden):
        raise CloneFailed(Refusal.OWN_DATA)
    return path


def _check_remote(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise CloneFailed(Refusal.MALFORMED) from error
    if parts.scheme != "https" or not host or host.startswith("-"):
        raise CloneFailed(Refusal.SCHEME)
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise CloneFailed(Refusal.CREDENTIAL)
