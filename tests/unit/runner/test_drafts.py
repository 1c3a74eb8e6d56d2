"""Edits of files: what fits, and what is refused for which reason."""

import os
from pathlib import Path
from typing import Any

import pytest

from runner.inside.drafts import Draft
from runner.inside.files import File, Tree
from runner.inside.report import Refused

Edit = dict[str, Any]


def _create(path: str, content: str = "") -> Edit:
    return {"create": {"path": path, "content": content}}


def _replace(path: str, old: str, new: str, **values: Any) -> Edit:
    return {"replace": {"path": path, "old_text": old, "new_text": new, **values}}


REFUSED: list[tuple[Edit, str]] = [
    (_replace("there", "absent", "x"), "TEXT_NOT_FOUND"),
    (_replace("there", "twice", "x"), "TEXT_COUNT_DIFFERS"),
    (_replace("there", "once", "x", count=2), "TEXT_COUNT_DIFFERS"),
    (_replace("nowhere", "x", "y"), "FILE_NOT_FOUND"),
    (_create("there"), "FILE_EXISTS"),
    (_create("there/inside"), "FILE_NOT_EDITABLE"),
    (_create("folder"), "FILE_NOT_EDITABLE"),
    (_create("link"), "FILE_NOT_EDITABLE"),
    (_create("out/file"), "FILE_NOT_EDITABLE"),
    (_create("../file"), "PATH_NOT_ALLOWED"),
    (_create("/etc/file"), "PATH_NOT_ALLOWED"),
    (_create("sub/.GIT/hooks/post-commit"), "PATH_NOT_ALLOWED"),
    ({"delete": {"path": "nowhere"}}, "FILE_NOT_FOUND"),
    ({"delete": {"path": "pipe"}}, "FILE_NOT_EDITABLE"),
    ({"patch": {"diff": "nonsense"}}, "PATCH_REFUSED"),
    ({"patch": {"diff": "--- a/there\n+++ b/there\n@@ -1 +1 @@\n-other\n+x\n"}}, "PATCH_REFUSED"),
    ({"patch": {"diff": "--- a/../f\n+++ b/../f\n@@ -1 +1 @@\n-other\n+x\n"}}, "P"),
    (
        {"patch": {"diff": "diff --git a/there b/new\nsimilarity index 100%\nrename from there\nrename to new\n"}},
        "PATCH",
    ),
    (
        {"patch": {"diff": "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+x\n"}},
        "PATCH",
    ),
]


@pytest.mark.parametrize(("edit", "reason"), REFUSED, ids=str)
def test_edit_that_does_not_fit_is_refused_with_its_reason(tmp_path: Path, edit: Edit, reason: str) -> None:
    """And no file is touched."""
    (tmp_path / "there").write_text("twice twice once\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "out").symlink_to("/tmp")  # noqa: S108  # leads out of the room
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Refused) as refused:
        Draft(Tree(str(tmp_path))).edit(edit)
    assert refused.value.reason.startswith(reason)
    assert sorted(tmp_path.rglob("*")) == before


def test_edits_in_a_row_find_what_the_ones_before_them_left(tmp_path: Path) -> None:
    """Nothing is written: a draft is in memory."""
    draft = Draft(Tree(str(tmp_path)))
    for edit in (
        _create("a", "one one"),
        _replace("a", "one", "two", count=2),
        {"delete": {"path": "a"}},
        _create("a", "x"),
    ):
        draft.edit(edit)
    assert (draft.before, draft.after) == ({"a": None}, {"a": File(b"x")})
    assert not list(tmp_path.iterdir())
