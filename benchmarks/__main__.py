"""`python -m benchmarks [NAME …]`: starts an installation, measures every figure or those named, prints a table."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence

from rich.console import Console

from benchmarks import report
from benchmarks.figures import (
    attach,
    audit_delay,
    bulk,
    crowd,
    echo,
    engine,
    executions,
    file_watch,
    memory,
    mutations,
    reads,
    reopen,
    rest,
    room_start,
    start,
    stopped,
)
from benchmarks.installation import Installation, installed
from benchmarks.row import Row

FIGURES: dict[str, Callable[[Installation], Awaitable[list[Row]]]] = {
    "memory": memory.measure,  # first, while nothing has happened yet
    "start": start.measure,
    "room_start": room_start.measure,
    "echo": echo.measure,
    "attach": attach.measure,
    "reopen": reopen.measure,
    "bulk": bulk.measure,
    "crowd": crowd.measure,
    "stopped": stopped.measure,
    "rest": rest.measure,
    "reads": reads.measure,
    "mutations": mutations.measure,
    "engine": engine.measure,
    "executions": executions.measure,
    "audit_delay": audit_delay.measure,
    "file_watch": file_watch.measure,
}


async def measure(names: Sequence[str], console: Console) -> list[Row]:
    """Measure figures on one fresh installation."""
    rows: list[Row] = []
    async with installed() as installation:
        with console.status("Starting an installation …"):
            await installation.start()
        for name in names:
            with console.status(f"Measuring {name} …"):
                rows += await FIGURES[name](installation)
    return rows


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(FIGURES)}")
    names = parser.parse_args().names or list(FIGURES)
    if unknown := set(names) - FIGURES.keys():
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    console = Console()
    rows = asyncio.run(measure(names, console))
    report.show(rows, console)
    report.write(rows)


if __name__ == "__main__":
    main()
