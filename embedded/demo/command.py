"""`make demo`: the tour, and how to go on from there."""

import asyncio
import secrets
from pathlib import Path

from rich.console import Console

from cli import program
from cli.client import Client
from cli.endpoint import Endpoint as ApiEndpoint
from cli.errors import CommandFailed
from embedded.demo.checks import CheckFailed
from embedded.demo.tour import Tour
from embedded.demo.voice import Voice
from embedded.endpoint import Endpoint

TOUR_SECONDS = 600.0
"""A large repository may take minutes to clone."""


class Demo:
    """The tour on one repository. With `once` nothing stays up afterwards."""

    def __init__(self, repository: str, data: Path, *, once: bool) -> None:
        self._repository = repository
        self._data = data
        self._once = once
        self._voice = Voice(Console())
        self.passed = False

    async def run(self, endpoint: Endpoint) -> bool:
        """Take the tour, and return whether the installation should stay up."""
        name = f"tour-{secrets.token_hex(3)}"
        try:
            async with (
                asyncio.timeout(TOUR_SECONDS),
                Client(ApiEndpoint(endpoint.gateway, endpoint.api_key)) as client,
            ):
                await Tour(client, self._voice, self._data).run(self._repository, name)
        except* (CheckFailed, CommandFailed) as failures:
            reason = str(_first(failures)).rstrip(".")
            self._voice.fail(f"The tour failed: {reason}. The logs are in {self._data / 'logs'}.")
        except* TimeoutError:
            self._voice.fail(
                f"The tour did not end within {TOUR_SECONDS:.0f} s. The logs are in {self._data / 'logs'}."
            )
        else:
            self.passed = True
        if not self.passed or self._once:
            return False
        self._go_on(endpoint, name)
        return True

    def _go_on(self, endpoint: Endpoint, name: str) -> None:
        self._voice.console.print(
            f"\nStateroom runs at [bold]{endpoint.gateway}[/bold]. In another terminal, in this folder:\n"
            f"  {program.name()} workspace list\n"
            f"  {program.name()} session create {name} --attach\n"
            f"  {program.name()} audit list\n"
            "Ctrl-C stops everything and ends the sessions; rooms, files and logs are kept.",
            highlight=False,
            soft_wrap=True,
        )


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
