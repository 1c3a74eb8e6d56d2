"""How the tour speaks: numbered steps, each with its time, and results below them."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.audit import short_actor
from cli.render import visible

SHORT_DIGEST = 12

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
"""Control sequences, which an excerpt shows without."""


class Voice:
    """Prints the tour."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._step = 0

    @contextmanager
    def step(self, sentence: str) -> Iterator[None]:
        """Print the sentence, do the block, print how long it took."""
        self._step += 1
        began = time.monotonic()
        self.console.print(Text.assemble((f"{self._step:2}. ", "bold cyan"), sentence), soft_wrap=True)
        yield
        self.console.print(Text(f"    {time.monotonic() - began:.2f} s", style="dim"))

    def result(self, sentence: str) -> None:
        """Print something that was found."""
        self.console.print(Text.assemble("    ", ("✓ ", "green"), visible(sentence)), soft_wrap=True)

    def excerpt(self, output: bytes) -> None:
        """Print some of a terminal's output, harmlessly."""
        for line in _ESCAPE.sub("", output.decode(errors="replace")).splitlines():
            if text := visible(line.rstrip()):
                self.console.print(Text(f"    │ {text}", style="dim"), overflow="ellipsis", no_wrap=True)

    def entries(self, entries: Sequence[Mapping[str, Any]], handles: Mapping[str, str]) -> None:
        """Print the audit log, with handles instead of the ids they belong to."""
        table = Table(box=None, header_style="dim", padding=(0, 2, 0, 2))
        for heading in ("TIME", "ACTION", "ACTOR", "DIGEST"):
            table.add_column(heading, no_wrap=True)
        for entry in entries:
            when, who = str(entry["time"])[11:23], short_actor(entry, handles)
            values = (when, entry["action"], who, str(entry["digest"])[:SHORT_DIGEST])
            table.add_row(*(Text(visible(value)) for value in values))
        self.console.print(table)

    def fail(self, sentence: str) -> None:
        """Say what went wrong."""
        self.console.print(Text.assemble(("✗ ", "bold red"), visible(sentence)), soft_wrap=True)
