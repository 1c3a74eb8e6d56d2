"""A git status as a table."""

from google.protobuf.json_format import MessageToDict
from stateroom.git.v1.git_status_pb2 import Commit, File, FileList, GitStatus

from cli import git_status


def _json(status: GitStatus) -> dict[str, object]:
    for kind in (status.staged, status.modified, status.untracked, status.conflicted):
        kind.SetInParent()  # as the runner does
    return MessageToDict(status, always_print_fields_with_no_presence=True)


def test_summary_of_a_fresh_repository_says_that_there_is_no_commit() -> None:
    """Lines without a meaning are left out."""
    shown = git_status.summary(_json(GitStatus(branch="main")))
    assert shown == {"branch": "main", "upstream": "", "underWay": "", "lastCommit": "none yet", "author": ""}
    assert git_status.files(_json(GitStatus(branch="main"))) == []


def test_summary_in_the_middle_of_a_rebase_says_so() -> None:
    """Whoever looks sees why no branch is checked out."""
    commit = Commit(commit_id="a" * 40, author_name="A", subject="First")
    status = GitStatus(detached=True, operation=GitStatus.REBASE, last_commit=commit)
    shown = git_status.summary(_json(status))
    assert shown["branch"] == "none: the head is detached"
    assert (shown["underWay"], shown["lastCommit"]) == ("rebase", "aaaaaaaaaaaa First")


def test_files_that_were_cut_end_with_how_many_more_there_are() -> None:
    """A list is never silently short."""
    renamed = File(path="b", old_path="a", change=File.RENAMED)
    status = GitStatus(staged=FileList(count=3, files=[renamed], truncated=True))
    assert git_status.files(_json(status)) == [
        {"kind": "staged", "change": "renamed", "path": "a -> b"},
        {"kind": "staged", "change": "", "path": "and 2 more"},
    ]
