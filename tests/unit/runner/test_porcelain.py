"""Records of `git status` become lists that count everything and name a bounded part."""

import pytest
from stateroom.git.v1.git_status_pb2 import File

from runner.errors import GitFailed
from runner.porcelain import FILES, TEXT, StatusReader, shown

_HASHES = b"100644 100644 100644 1111111 2222222"


def _read(*records: bytes) -> StatusReader:
    reader = StatusReader()
    for record in records:
        reader.read(record)
    return reader


def test_read_headers_before_the_first_commit_give_no_commit() -> None:
    """`(initial)` is no hash, and a branch may be called like a word of ours."""
    read = _read(b"# branch.oid (initial)", b"# branch.head initial")
    assert (read.commit_id, read.status.branch, read.status.detached) == ("", "initial", False)


def test_read_rename_with_spaces_and_a_change_after_it_has_both_paths() -> None:
    """The path before is a record of its own, and belongs to the staged half only."""
    read = _read(b"2 RM N... " + _HASHES + b" R090 new name", b"old name", b"? next")
    assert list(read.status.staged.files) == [File(path="new name", change=File.RENAMED, old_path="old name")]
    assert list(read.status.modified.files) == [File(path="new name", change=File.MODIFIED)]
    assert [file.path for file in read.status.untracked.files] == ["next"]


def test_read_rename_beyond_the_limit_still_takes_the_path_before() -> None:
    """What is not listed is counted, and the records after it are read right."""
    full = [b"? %d" % number for number in range(FILES)]
    renamed = (b"2 R. N... " + _HASHES + b" R100 b", b"? a")
    read = _read(*full, b"? one more", *renamed * (FILES + 1))
    assert (read.status.untracked.count, len(read.status.untracked.files)) == (FILES + 1, FILES)
    assert (read.status.staged.count, read.status.staged.truncated) == (FILES + 1, True)


def test_read_long_names_are_bounded_together() -> None:
    """An answer fits into one message, however long the names are."""
    read = _read(*(b"? " + b"\xff" * 4_000 for _ in range(100)))
    listed = sum(len(file.path) for file in read.status.untracked.files)
    assert 0 < listed <= TEXT
    assert (read.status.untracked.count, read.status.untracked.truncated) == (100, True)


@pytest.mark.parametrize("record", [b"", b"1 M.", b"9 x y z", b"u UU N...", b"2 R. N... 1 2 3"])
def test_read_what_git_does_not_print_is_refused(record: bytes) -> None:
    """A wrong list would be worse than none."""
    with pytest.raises(GitFailed):
        _read(record)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"plain name", "plain name"),
        ("größe/日本".encode(), "größe/日本"),
        (b"caf\xe9", r'"caf\351"'),
        ("caf\xe9\xff".encode() + b"\xff", '"caféÿ\\377"'),
        (b'"', r'"\""'),
        (b"a\tb\\c", r'"a\tb\\c"'),
        (b"\x1b]0;x\x07", r'"\033]0;x\007"'),
        ("\x9b1m".encode(), r'"\302\2331m"'),
    ],
)
def test_shown_name_is_plain_or_quoted_as_git_quotes(name: bytes, expected: str) -> None:
    """No two names are shown alike, and none steers a terminal."""
    assert shown(name) == expected
