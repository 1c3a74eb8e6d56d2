"""What a person sees while the installation starts, runs and stops."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class Progress:
    """Prints one line for each part, with the seconds it took."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time the block and print its line when it succeeds."""
        began = time.monotonic()
        yield
        self._console.print(
            f"  [green]✓[/green] {escape(name):<24} [dim]{time.monotonic() - began:5.1f} s[/dim]", highlight=False
        )

    def ready(self, url: str) -> None:
        """Say that everything runs, and where."""
        seconds = time.monotonic() - self._began
        self._console.print(f"Ready in {seconds:.1f} s: [bold]{escape(url)}[/bold]", highlight=False, soft_wrap=True)

    def say(self, sentence: str) -> None:
        """Print a sentence."""
        self._console.print(escape(sentence), highlight=False, soft_wrap=True)
