"""Write `docs/api/`; with --check, fail when what is committed differs."""

import argparse
import json
import sys
from pathlib import Path

from gateway.openapi import workflow_file
from gateway.openapi.contracts import Contracts
from tools.reference.methods import Method, methods
from tools.reference.pages import index, page

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTORS = ROOT / "gen" / "python" / "stateroom" / "descriptors.binpb"
TARGET = ROOT / "docs" / "api"
EXAMPLES = "examples.json"


def pages() -> dict[str, str]:
    """Return the text of each page by its file's name. SystemExit when examples and methods do not match."""
    descriptors = DESCRIPTORS.read_bytes()
    contracts, known = Contracts(descriptors), methods(descriptors)
    examples = json.loads((TARGET / EXAMPLES).read_text())
    if differing := {method.name for method in known} ^ set(examples):
        sys.exit(f"docs/api/examples.json: one example for each method, no other; see {', '.join(sorted(differing))}")
    by_service: dict[str, list[Method]] = {}
    for method in known:
        by_service.setdefault(method.service, []).append(method)
    made = {f"{service}.md": page(contracts, service, listed, examples) for service, listed in by_service.items()}
    schema = json.dumps(workflow_file.build(contracts), indent=2, ensure_ascii=False) + "\n"
    return made | {"README.md": index(contracts, by_service), "workflow.schema.json": schema}


def main() -> None:
    """Write the pages, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the committed pages are not up to date")
    check, made = parser.parse_args().check, pages()
    committed = {path.name: path.read_text() for path in TARGET.iterdir() if path.name != EXAMPLES}
    if check and committed != made:
        stale = sorted(name for name in committed.keys() | made.keys() if committed.get(name) != made.get(name))
        sys.exit("the API reference is not up to date; run `make generate`:\n  " + "\n  ".join(stale))
    for name in committed.keys() - made.keys():
        (TARGET / name).unlink()
    for name, text in made.items():
        (TARGET / name).write_text(text)


if __name__ == "__main__":
    main()
