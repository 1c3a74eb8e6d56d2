"""Programs of ours that run inside the sandbox: what they are told, and what they see beside the room."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner import repository
from runner.sandbox import PATH, Program, Sandbox

_INSIDE = Path(__file__).resolve().with_name("inside")
_PYTHON = Path(sys.executable).resolve()
_START = """
import sys
for name, path in (("runner", []), ("runner.inside", [sys.argv[1]])):
    sys.modules[name] = type(sys)(name)
    sys.modules[name].__path__ = path
from runner.inside import main
sys.exit(main.main(sys.argv[2]))
"""
"""The packages are made by hand, because the folders around the one that is shown cannot be searched from inside."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One of the programs, and its order in JSON."""

    program: str
    order: bytes


def describe(sandbox: Sandbox, errand: Errand, *, allow_local: bool) -> Program:
    """Return the program to start. CloneFailed for a repository that may not be cloned."""
    files, home = sandbox.room / "files", sandbox.room / "home"
    order, readable = json.loads(errand.order), [_INSIDE]
    prefix = Path(sys.base_prefix).resolve()
    if not sandbox.shows(prefix):
        readable.append(prefix)
    if errand.program == "clone_template":
        source = _add_clone(order, files, sandbox.hidden if allow_local else None)
        readable += [source.local] if source.local else []
    return Program(
        (str(_PYTHON), "-I", "-S", "-B", "-c", _START, str(_INSIDE), errand.program),
        {"PATH": PATH, "LANG": "C.UTF-8", "HOME": str(home), "PWD": str(files)},
        files,
        readable=readable,
        reads=json.dumps(order).encode(),
    )


def _add_clone(order: dict[str, Any], files: Path, hidden: Sequence[Path] | None) -> repository.Source:
    """Add git's arguments to an order, so that the rules of cloning are in one place."""
    wanted = order["clone_template"]
    branch = wanted.get("branch", "")
    source = repository.check(wanted["repository_url"], branch, hidden)
    incoming = files / ".git" / f"stateroom-{order['action_id']}"
    arguments = repository.fetch_arguments(source, branch, incoming, depth=1)
    order |= {"incoming": str(incoming), "clone": [*repository.SAFE_OPTIONS, *source.options, *arguments]}
    return source
