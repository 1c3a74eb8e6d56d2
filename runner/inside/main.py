"""Runs one of the programs and reports what came of it."""

import json
import sys
from collections.abc import Callable
from typing import Any

from runner.inside import clone_template, configure_tooling, modify_files, report, run_code

Order = dict[str, Any]
PROGRAMS: dict[str, Callable[[Order], dict[str, Any]]] = {
    "clone_template": clone_template.run,
    "configure_tooling": configure_tooling.run,
    "modify_files": modify_files.run,
    "run_code": run_code.run,
    "undo": modify_files.run,
}
"""By the name of what the order holds."""


def main(name: str) -> int:
    """Read an order, carry it out, report; return the exit code."""
    order = json.load(sys.stdin.buffer)
    try:
        result = PROGRAMS[name](order)
    except report.Refused as refused:
        report.say(refused.message)
        report.send(order["mark"], result=getattr(refused, "result", None), failure=refused)
        return 1
    report.send(order["mark"], result=result)
    return 0
