"""Results as a table for people and as a file for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.row import Row

FILE = Path("build/benchmarks.json")


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table."""
    table = Table(title="Beside its peer, in the same run")
    for column in ("figure", "ours", "peer", "ratio", "asked"):
        table.add_column(column, justify="left" if column in {"figure", "asked"} else "right")
    for row in rows:
        peer = "" if row.peer is None else f"{_number(row.peer)} {row.unit}"
        ratio = "" if row.peer is None else f"{row.ours / row.peer:.2f}"
        table.add_row(row.what, f"{_number(row.ours)} {row.unit}", peer, ratio, _asked(row))
    console.print(table)
    for name in dict.fromkeys(row.peer_name for row in rows if row.peer_name):
        figures = ", ".join(row.what.strip() for row in rows if row.peer_name == name)
        console.print(f"[dim]{figures}: beside {name}[/dim]", highlight=False)


def write(rows: Sequence[Row]) -> None:
    """Write `build/benchmarks.json` below the current folder."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False) + "\n")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"  # noqa: PLR2004  # enough digits to compare


def _asked(row: Row) -> str:
    if row.reached is None:
        return row.asked
    return f"[green]✓[/green] {row.asked}" if row.reached else f"[red]✗[/red] {row.asked}"
