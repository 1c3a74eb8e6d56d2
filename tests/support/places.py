"""The named places at which processes are made to die, and who passes them."""

import importlib
import pkgutil
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

import chassis
import runner
import services
from chassis import faults
from tests.support import warm
from tests.support.product import Product
from tests.support.source import query
from tests.support.warm import Warm

T = TypeVar("T")

_HOMES = {"chassis.consumer": ("audit", "session")}
_APART = {
    "runner.snapshot": "snapshots",
    "services.workspace.saves": "saves",
    "services.workspace.packs": "packs",
    "services.session.editors": "editors",
    "services.session.previews": "deployments",
    "services.execution.engine.steps": "code",
    "services.execution.engine": "executions",
}
"""Packages whose places only their own tests pass."""
_HOME = ("workspace", "session")
"""Services that pass the places of the chassis; in each round the next one dies there."""
_WITH_CLAIMS = """
SELECT table_name FROM information_schema.columns WHERE table_schema = $1 AND column_name = 'reconcile_time'
"""


def declared() -> dict[str, str]:
    """Return every place of every module by its name, with the module that declares it."""
    found = {}
    for package in (chassis, runner, services):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, faults.Point):
                    found[value.name] = module.name
    return found


def passed_by(service: str, round_: int) -> list[str]:
    """Return the places at which a service dies in a round, counted from 1."""
    return [name for name, module in declared().items() if _home(module, round_) == service]


def _home(module: str, round_: int) -> str:
    for apart, home in _APART.items():
        if module.startswith(f"{apart}."):
            return home
    package, _, rest = module.partition(".")
    if package == "chassis":
        homes = _HOMES.get(module, _HOME)
        return homes[(round_ - 1) % len(homes)]
    return rest.partition(".")[0] if package == "services" else package


def first_and_thorough(values: Iterable[T]) -> list[Any]:
    """Return the parameters of a test that `make test` runs with the first, and `make fault` with all."""
    first, *others = values
    return [first, *(pytest.param(value, marks=pytest.mark.thorough) for value in others)]


async def start_armed(product: Product, service: str, fault: str, **settings: str) -> Warm:
    """Start a process of a service with a fault; what it says goes to a file of its own."""
    environment = product.environment(service, fault=fault, **settings)
    with _said_file(product, fault).open("wb") as output:
        return await warm.start(f"services.{service}", env=environment, standard=(None, None, output))


def said(product: Product, fault: str) -> list[str]:
    """Return the lines that a process said which was started with the fault."""
    return _said_file(product, fault).read_text().splitlines()


def _said_file(product: Product, fault: str) -> Path:
    return product.folder / f"{fault}.said"


async def let_claims_pass(product: Product, service: str) -> None:
    """Let the time pass for which a claimant keeps its rows without a sign of life."""
    admin_url = product.installation.admin_url
    for row in await query(admin_url, _WITH_CLAIMS, service):
        await query(
            admin_url,
            f"UPDATE {service}.{row['table_name']} SET reconcile_time = now() WHERE reconcile_time > now()",  # noqa: S608  # names of our own
        )


@dataclass(slots=True)
class Victim:
    """Keeps a service running that dies at one place after the other, each time in the same pass."""

    product: Product
    service: str
    places: Sequence[str]
    nth: int
    died_at: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Start it until it died everywhere, and once more to stay."""
        if self.service in self.product.processes:
            await self.product.kill(self.service)
        for place in self.places:
            await self._die(place)
        await self.product.start(self.service)

    async def _die(self, place: str) -> None:
        fault = f"{place}:{self.nth}:kill"
        process = self.product.processes[self.service] = await start_armed(self.product, self.service, fault)
        code = await process.wait()
        lines = said(self.product, fault)
        assert (code, lines[-1:]) == (-signal.SIGKILL, [f"fault: {fault}"]), lines[-20:]
        self.died_at.append(place)
        await let_claims_pass(self.product, self.service)
