"""Changes files: all as said, or none. An action that did so once does it no more, however often it runs."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import Any

from runner.inside import keepsake
from runner.inside.drafts import Draft
from runner.inside.files import Tree
from runner.inside.keepsake import Keepsake
from runner.inside.report import Refused, say

_FILES, _TEXT = 500, 48 * 1024  # files that a report names, and characters of their paths: it has to stay small
_WORDS = {"CREATED": "created", "MODIFIED": "changed", "DELETED": "deleted"}


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Carry out a MODIFY_FILES or undo order in the folder where this runs. Refused, and then nothing is changed.

    An order to `settle` follows one that was killed and is not wanted any more: it ends what had begun, or begins
    nothing and ends without a report.
    """
    action_id, settles = order["action_id"], order.get("settle", False)
    tree = Tree(str(Path.cwd()), action_id)
    if settles:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    kept = keepsake.load(keepsake.undo_ref(action_id))
    if kept is None:
        kept = keepsake.load(keepsake.doing_ref(action_id))
        if kept is None and settles:
            sys.exit(0)
        kept = kept or _prepare(order, tree)
        _write(action_id, tree, kept)
        with suppress(Refused):  # what was asked is done; the next one tries again
            keepsake.prune(time.time())
    files = list(_changes(kept))
    for file in files:
        say(f"{_WORDS[file['change']]} {file['path']}")
    ends = accumulate(len(file["path"]) for file in files[:_FILES])
    named = [file for file, end in zip(files, ends, strict=False) if end <= _TEXT]
    undo_ref = keepsake.undo_ref(action_id)
    return {"modified_files": {"files": named, "file_count": len(files), "undo_ref": undo_ref}}


def _prepare(order: dict[str, Any], tree: Tree) -> Keepsake:
    kept = _undone(order["undo"]["action_id"], tree) if "undo" in order else _edited(order["modify_files"], tree)
    # From here on the end of it all is told by us: half a change is what nobody wants.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    keepsake.save(keepsake.doing_ref(order["action_id"]), kept, f"Action {order['action_id']}")
    return kept


def _edited(wanted: dict[str, Any], tree: Tree) -> Keepsake:
    draft = Draft(tree)
    for number, edit in enumerate(wanted["edits"], start=1):
        try:
            draft.edit(edit)
        except Refused as refused:
            refused.edit = number
            raise
    changed = sorted(path for path in draft.before if draft.before[path] != draft.after[path])
    return Keepsake({path: draft.before[path] for path in changed}, {path: draft.after[path] for path in changed})


def _undone(action_id: str, tree: Tree) -> Keepsake:
    kept = keepsake.load(keepsake.undo_ref(action_id))
    if kept is None:
        reason = "UNDO_NOT_FOUND"
        raise Refused(reason, f"the repository no longer keeps what action {action_id} changed")
    for path, file in kept.after.items():
        if tree.read(path) != file:
            reason = "FILE_CHANGED"
            raise Refused(reason, f"{path} changed since", path=path)
    return Keepsake(kept.after, kept.before)


def _write(action_id: str, tree: Tree, kept: Keepsake) -> None:
    try:
        for path, file in kept.after.items():
            tree.write(path, file)
    except OSError as error:
        for path, file in kept.before.items():
            tree.write(path, file)
        keepsake.forget(action_id)
        reason = "FILE_NOT_EDITABLE"
        raise Refused(reason, f"{error.filename or 'a file'}: {error.strerror}") from error
    keepsake.finish(action_id)


def _changes(kept: Keepsake) -> Iterator[dict[str, str]]:
    for path, file in kept.after.items():
        change = "DELETED" if file is None else "CREATED" if kept.before[path] is None else "MODIFIED"
        yield {"path": path, "change": change}
