"""`stateroom doctor`: looks at this machine and at the installation that runs on it."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from doctor import installation, machine
from doctor.finding import Finding, Verdict

NOT_WELL = 1
"""Exit code when something does not work."""

_MARKS = {Verdict.GOOD: "[green]✓[/green]", Verdict.DEGRADED: "[yellow]![/yellow]", Verdict.MISSING: "[red]✗[/red]"}
_WIDTH = 14  # of what was looked at


async def look(options: argparse.Namespace) -> list[Finding]:
    """Return all findings."""
    return [*await machine.findings(options.data), *await installation.findings(options.data)]


def _show(findings: Sequence[Finding], console: Console) -> None:
    for finding in findings:
        lines = [f"{_MARKS[finding.verdict]} {escape(f'{finding.subject:<{_WIDTH}}')} {escape(finding.said)}"]
        if finding.advice:
            lines.append(f"  {'':<{_WIDTH}} → {escape(finding.advice)}")
        console.print("\n".join(lines), highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command of the command line."""
    parser = argparse.ArgumentParser(prog="stateroom doctor", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of an installation")
    parser.add_argument("--json", action="store_true", help="print JSON, one object per line")
    options = parser.parse_args()
    findings = asyncio.run(look(options))
    if options.json:
        sys.stdout.write("".join(f"{json.dumps(asdict(finding))}\n" for finding in findings))
    else:
        _show(findings, Console())
    sys.exit(NOT_WELL if any(finding.verdict is Verdict.MISSING for finding in findings) else 0)


if __name__ == "__main__":
    main()
