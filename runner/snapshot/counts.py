"""What in a checkout nobody else has, as git counts it: in the sandbox, reading only, with nothing of the room run."""

from dataclasses import dataclass

from runner.errors import GitFailed
from runner.git import Git


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers for people. They decide nothing: a snapshot holds all there is.

    `complaint` is what git says where it cannot read the checkout.
    """

    branch: str = ""
    staged: int = 0
    modified: int = 0
    untracked: int = 0
    conflicted: int = 0
    stashes: int = 0
    unpushed_commits: int = 0
    complaint: str = ""


async def count(git: Git) -> Counts:
    """Return what git makes of a checkout."""
    try:
        status = await git.status()
        stashes = await git.number("rev-list", "--count", "--walk-reflogs", "refs/stash")
        unpushed = await git.number("rev-list", "--count", "HEAD", "--branches", "--tags", "--not", "--remotes")
    except GitFailed as error:
        return Counts(complaint=error.message)
    return Counts(
        status.branch,
        status.staged.count,
        status.modified.count,
        status.untracked.count,
        status.conflicted.count,
        stashes,
        unpushed,
    )


async def ignored(git: Git) -> frozenset[bytes]:
    """Return the paths that git ignores; none where it cannot read the checkout, so that too much is kept, not less."""
    listing = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    try:
        printed = await git.read(*listing)
    except GitFailed:
        return frozenset()
    return frozenset(path.rstrip(b"/") for path in printed.split(b"\0")[:-1])
