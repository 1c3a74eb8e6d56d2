"""What files will be: each is read once, and edits change it in memory."""

from typing import Any

from runner.inside import patches
from runner.inside.files import File, Tree, check
from runner.inside.report import Refused

Edit = dict[str, Any]


class Draft:
    """Files as they are, `before`, and as they will be, `after`, by their paths; None where there is none."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.before: dict[str, File | None] = {}
        self.after: dict[str, File | None] = {}

    def edit(self, change: Edit) -> None:
        """Apply one edit. Refused when it does not fit."""
        name, wanted = next(iter(change.items()))
        {"create": self._create, "replace": self._replace, "patch": self._patch, "delete": self._delete}[name](wanted)

    def find(self, path: str) -> File | None:
        """Return a file as the edits so far left it."""
        if path not in self.before:
            self.before[path] = self.after[path] = self._tree.read(check(path))
        return self.after[path]

    def _create(self, wanted: Edit) -> None:
        path = wanted["path"]
        if self.find(path) is not None:
            reason = "FILE_EXISTS"
            raise Refused(reason, f"{path} is there already", path=path)
        self.after[path] = File(wanted.get("content", "").encode(), wanted.get("executable", False))

    def _replace(self, wanted: Edit) -> None:
        path, old = wanted["path"], wanted["old_text"].encode()
        file, expected = self._existing(path), wanted.get("count", 0) or 1
        count = file.content.count(old)
        if count == 0:
            reason = "TEXT_NOT_FOUND"
            raise Refused(reason, f"the text to replace is not in {path}", path=path)
        if count != expected:
            reason = "TEXT_COUNT_DIFFERS"
            raise Refused(reason, f"the text to replace is in {path} {count} times, not {expected}", path=path)
        self.after[path] = File(file.content.replace(old, wanted.get("new_text", "").encode()), file.executable)

    def _patch(self, wanted: Edit) -> None:
        diff = wanted["diff"].encode()
        files = {path: self.find(path) for path in map(check, patches.paths(diff))}
        self.after |= patches.apply(diff, files)

    def _delete(self, wanted: Edit) -> None:
        self._existing(wanted["path"])
        self.after[wanted["path"]] = None

    def _existing(self, path: str) -> File:
        file = self.find(path)
        if file is None:
            reason = "FILE_NOT_FOUND"
            raise Refused(reason, f"there is no file {path}", path=path)
        return file
