"""What the documents point at is there."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.each import each

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "extending")]
)
"""All but the worked examples, which speak of files that they add."""
LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(?:#(?P<anchor>[^)\s]+))?\)")
NAMED = re.compile(r"`((?:chassis|cli|docs|embedded|gateway|protos|runner|services|tests|tools)/[\w./-]*)`")
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def _pointed_at(document: Path) -> Iterator[Path]:
    text = CODE.sub("", document.read_text())
    for link in LINK.finditer(text):
        if "://" not in link["target"]:
            yield document.parent / link["target"]
    for name in NAMED.findall(text):
        yield ROOT / name


@each(DOCUMENTS, lambda path: str(path.relative_to(ROOT)))
def test_document_names_only_files_that_exist(document: Path) -> None:
    """No link and no path in backticks leads nowhere."""
    assert [str(path) for path in _pointed_at(document) if not path.exists()] == []


def test_documents_are_found() -> None:
    """The walk above walks over something."""
    assert {"README.md", "SECURITY.md", "CONTRIBUTING.md"} <= {path.name for path in DOCUMENTS}
