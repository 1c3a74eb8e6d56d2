"""`stateroom doctor`: looks at this machine and at the installation that runs on it, or at one in a cluster."""

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
from doctor.cluster.findings import findings as cluster_findings
from doctor.finding import Finding, Verdict

NOT_WELL = 1
"""Exit code when something does not work."""

_MARKS = {Verdict.GOOD: "[green]✓[/green]", Verdict.DEGRADED: "[yellow]![/yellow]", Verdict.MISSING: "[red]✗[/red]"}


async def look(options: argparse.Namespace) -> list[Finding]:
    """Return all findings."""
    if options.kubernetes:
        return await cluster_findings(options.namespace)
    return [*await machine.findings(options.data), *await installation.findings(options.data)]


def _show(findings: Sequence[Finding], console: Console) -> None:
    width = max((len(finding.subject) for finding in findings), default=0)
    for finding in findings:
        lines = [f"{_MARKS[finding.verdict]} {escape(f'{finding.subject:<{width}}')} {escape(finding.said)}"]
        if finding.advice:
            lines.append(f"  {'':<{width}} → {escape(finding.advice)}")
        console.print("\n".join(lines), highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command of the command line."""
    parser = argparse.ArgumentParser(prog="stateroom doctor", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path, help="folder of an installation")
    where.add_argument("--kubernetes", action="store_true", help="look at an installation in a cluster")
    parser.add_argument("--namespace", default="", help="of that; what the kubeconfig says otherwise")
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
