"""What callers may write as a path; pure."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from runner.files.errors import FileNameClashes, InvalidPath, PathOutsideWorkspace, ProtectedPath

GIT = ".git"
DEEPEST = 256
"""Names of a path, at most: fewer than a save can follow."""
_TOO_DEEP = f"is more than {DEEPEST} names long"
_SEPARATORS = re.compile(r"[/\\]")  # what means nothing here may lead upwards where a checkout goes


def parse(text: str, field: str = "path") -> list[str]:
    """Return the names that a path is made of; none for the workspace's directory.

    Raises:
        PathOutsideWorkspace: it begins at the root, or goes upwards.
        InvalidPath: a name is empty, `.`, too long, or no UTF-8.
    """
    if text.startswith("/") or ".." in _SEPARATORS.split(text):
        raise PathOutsideWorkspace(text, field)
    parts = text.removesuffix("/").split("/") if text else []
    for part in parts:
        if part in {"", "."} or "\0" in part:
            raise InvalidPath("has an empty name, or `.`", field)
        if not is_utf8(part):
            raise InvalidPath("names must be UTF-8", field)
        if len(part.encode()) > 255:  # noqa: PLR2004  # what every file system takes
            raise InvalidPath("has a name of more than 255 bytes", field)
    if len(parts) > DEEPEST:
        raise InvalidPath(_TOO_DEEP, field)
    return parts


def parse_to_change(text: str, field: str = "path") -> list[str]:
    """Return the names of a path at which something is to change.

    Raises:
        InvalidPath: as `parse`, and for the workspace's directory itself.
        ProtectedPath: it lies in a `.git` folder, or is one.
    """
    parts = parse(text, field)
    if not parts:
        raise InvalidPath("must name something in the workspace", field)
    if GIT in parts:
        raise ProtectedPath(text)
    return parts


def is_utf8(name: str) -> bool:
    """Whether a name, as Python reads it from the file system, is text."""
    return not any("\ud800" <= char <= "\udfff" for char in name)


def shown(path: str) -> str:
    r"""Return a path with bytes that are not UTF-8 written out, such as `\xff`."""
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")


def expect_no_clash(directory: Sequence[str], names: Iterable[str], siblings: Iterable[str]) -> None:
    """Raise FileNameClashes when a new name differs from that of a sibling by case or Unicode form only."""
    present = {folded(sibling): sibling for sibling in siblings if is_utf8(sibling)}
    for name in names:
        other = present.get(folded(name), name)
        if other != name:
            raise FileNameClashes("/".join((*directory, name)), other)


def folded(name: str) -> str:
    """Return what is the same for names that differ by case or Unicode form only."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
