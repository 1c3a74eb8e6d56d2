"""Files as they were and as they become, kept in the workspace's repository outside of every branch.

A reference names two commits: its own tree is what the files become, its parent's what they were; only the files that
change are in them. `refs/stateroom/doing/<action>` is there while files are changed, `refs/stateroom/undo/<action>`
from then on. So whoever is killed in between is followed by one who goes on, and nobody does it twice.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runner.inside import git
from runner.inside.files import File

Files = Mapping[str, File | None]

UNDO_SECONDS = 30 * 24 * 3600
"""How long a change can be undone. Looked at with the next change in the same room."""

_WHO = "Stateroom <stateroom@localhost> now"


@dataclass(frozen=True, slots=True)
class Keepsake:
    """The files that an action changes; None where there is none."""

    before: Files
    after: Files


def undo_ref(action_id: str) -> str:
    """Return the reference that keeps what a finished action changed."""
    return f"refs/stateroom/undo/{action_id}"


def doing_ref(action_id: str) -> str:
    """Return the reference that is there while an action changes files."""
    return f"refs/stateroom/doing/{action_id}"


def save(reference: str, kept: Keepsake, subject: str) -> None:
    """Keep files under a reference that is not there."""
    commit = f"commit {reference}\ncommitter {_WHO}\n".encode()
    stream = b"".join(
        (
            b"feature date-format=now\n",
            *(commit, _data(f"Before: {subject}".encode()), *_contents(kept.before)),
            *(commit, _data(subject.encode()), b"deleteall\n", *_contents(kept.after)),
        )
    )
    _git("fast-import", "--quiet", "--force", stdin=stream)


def load(reference: str) -> Keepsake | None:
    """Return what a reference keeps; None when there is none."""
    if not _git("for-each-ref", "--format=%(objectname)", "--", reference).strip():
        return None
    before, after = _files(f"{reference}^"), _files(reference)
    paths = sorted({*before, *after})
    return Keepsake({path: before.get(path) for path in paths}, {path: after.get(path) for path in paths})


def finish(action_id: str) -> None:
    """Rename the reference of an action that is done."""
    commit = _git("rev-parse", "--verify", doing_ref(action_id)).decode().strip()
    commands = f"update {undo_ref(action_id)} {commit}\ndelete {doing_ref(action_id)} {commit}\n"
    _git("update-ref", "--stdin", stdin=commands.encode())


def prune(now: float) -> None:
    """Drop what changed so long ago that nobody undoes it any more; git then removes the objects in its own time."""
    form = "--format=%(refname) %(objectname) %(committerdate:unix)"
    listed = _git("for-each-ref", form, "--", undo_ref("")).decode().split("\n")
    kept = [line.split() for line in listed if line]
    old = [f"delete {name} {commit}\n" for name, commit, time in kept if int(time) < now - UNDO_SECONDS]
    if old:
        _git("update-ref", "--stdin", stdin="".join(old).encode())


def forget(action_id: str) -> None:
    """Drop the reference of an action that changes nothing after all."""
    _git("update-ref", "-d", doing_ref(action_id))


def _git(*arguments: str, stdin: bytes = b"") -> bytes:
    """Run git in the repository of the folder where this runs, and in no other that may be above it."""
    return git.run("--git-dir=.git", *arguments, stdin=stdin)


def _files(commit: str) -> dict[str, File]:
    found = {}
    for entry in _git("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0"):
        if entry:
            facts, _, path = entry.partition(b"\t")
            mode, _, name = facts.decode().split()
            content = _git("cat-file", "blob", name)
            found[path.decode()] = File(content, mode == "100755")
    return found


def _contents(files: Files) -> Iterator[bytes]:
    for path, file in files.items():
        if file is not None:
            mode = "100755" if file.executable else "100644"
            yield f"M {mode} inline {_quoted(path)}\n".encode() + _data(file.content)


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
