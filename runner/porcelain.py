"""What `git status --porcelain=v2 --branch -z` prints, record by record: all of it counted, some of it named."""

import re

from stateroom.git.v1.git_status_pb2 import File, FileList, GitStatus

from runner.errors import GitFailed

FILES = 500
"""Files that a list names."""
TEXT = 256 * 1024
"""Characters of all names together."""

_CHANGES = {
    b"A": File.ADDED,
    b"M": File.MODIFIED,
    b"D": File.DELETED,
    b"R": File.RENAMED,
    b"C": File.COPIED,
    b"T": File.TYPE_CHANGED,
}
_FIELDS = {b"1": 8, b"2": 9, b"u": 10, b"?": 1}
"""Words before the path, by the kind of the record."""
_SPECIAL = re.compile(r'["\\\x00-\x1f\x7f-\x9f\udc80-\udcff]')
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


class StatusReader:
    """Makes a GitStatus of records. `commit_id` is that of the head, empty before the first commit."""

    def __init__(self) -> None:
        self.status = GitStatus(staged=FileList(), modified=FileList(), untracked=FileList(), conflicted=FileList())
        self.commit_id = ""
        self._text = TEXT
        self._renamed: list[File] | None = None

    def read(self, record: bytes) -> None:
        """Take the next record. GitFailed for one that git does not print."""
        if self._renamed is not None:
            for file in self._renamed:
                file.old_path = shown(record)
            self._renamed = None
        elif record.startswith(b"# "):
            self._read_header(record[2:])
        else:
            self._read_file(record)

    def _read_header(self, header: bytes) -> None:
        name, _, value = header.partition(b" ")
        status = self.status
        if name == b"branch.oid":
            self.commit_id = "" if value == b"(initial)" else value.decode()
        elif name == b"branch.head":
            status.detached = value == b"(detached)"
            status.branch = "" if status.detached else shown(value)
        elif name == b"branch.upstream":
            status.upstream, status.upstream_gone = shown(value), True
        elif name == b"branch.ab":
            ahead, behind = value.split()
            status.ahead, status.behind, status.upstream_gone = int(ahead), -int(behind), False

    def _read_file(self, record: bytes) -> None:
        kind = record[:1]
        words = record.split(b" ", _FIELDS[kind]) if kind in _FIELDS else []
        if len(words) != _FIELDS.get(kind, 0) + 1:
            cause = f"it printed {record[:40]!r}"
            raise GitFailed(cause)
        path = words[-1]
        if kind == b"?":
            self._add(self.status.untracked, path, File.UNTRACKED)
        elif kind == b"u":
            self._add(self.status.conflicted, path, File.CONFLICTED)
        else:
            self._read_change(words[1], path, renamed=kind == b"2")

    def _read_change(self, letters: bytes, path: bytes, *, renamed: bool) -> None:
        """Add a file to the lists that its two letters name: the index against the head, the tree against the index."""
        found = []
        for letter, files in ((letters[:1], self.status.staged), (letters[1:], self.status.modified)):
            if letter in _CHANGES:
                file = self._add(files, path, _CHANGES[letter])
                if file is not None and letter in b"RC":
                    found.append(file)
        if renamed:
            self._renamed = found  # the next record is the path before

    def _add(self, files: FileList, path: bytes, change: File.Change.ValueType) -> File | None:
        files.count += 1
        text = shown(path)
        if files.truncated or len(files.files) == FILES or len(text) > self._text:
            files.truncated = True
            return None
        self._text -= len(text)
        return files.files.add(path=text, change=change)


def shown(name: bytes) -> str:
    """Return a name as git writes it: in quotes with C escapes when it could not be printed as it is."""
    text = name.decode(errors="surrogateescape")
    return f'"{_SPECIAL.sub(_escaped, text)}"' if _SPECIAL.search(text) else text


def _escaped(found: re.Match[str]) -> str:
    character = found.group()
    octal = "".join(f"\\{byte:03o}" for byte in character.encode(errors="surrogateescape"))
    return _SHORT.get(character, octal)
