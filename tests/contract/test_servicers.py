"""Handlers are thin: message in, one call, message out. What more there is to do has a name and a place elsewhere."""

import ast
from pathlib import Path

from tests.support.each import each

ROOT = Path(__file__).resolve().parents[2]
LINES = 15
METHODS = [
    (path.parent.relative_to(ROOT).as_posix(), method)
    for path in sorted(ROOT.glob("services/*/*/servicer.py"))
    for kind in ast.parse(path.read_text()).body
    if isinstance(kind, ast.ClassDef) and kind.name.endswith("Servicer")
    for method in kind.body
    if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
]


@each(METHODS, lambda found: f"{found[0]}-{found[1].name}")
def test_handler_is_short_and_catches_nothing(found: tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]) -> None:
    """At most 15 lines after the docstring, and errors pass through to the one place that maps them."""
    domain, method = found
    begin = method.body[1].lineno
    assert (method.end_lineno or begin) - begin < LINES, domain
    assert not [part for part in ast.walk(method) if isinstance(part, ast.Try)], domain
