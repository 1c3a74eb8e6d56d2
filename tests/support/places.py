"""The named places at which processes are made to die, and who passes them."""

import importlib
import pkgutil
import signal
import sys
from asyncio import create_subprocess_exec
from collections.abc import Sequence
from dataclasses import dataclass, field

import chassis
import runner
import services
from chassis import faults
from tests.support.product import Product
from tests.support.source import query

_HOMES = {"chassis.consumer": ("audit", "session")}
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
    package, _, rest = module.partition(".")
    if package == "chassis":
        homes = _HOMES.get(module, _HOME)
        return homes[(round_ - 1) % len(homes)]
    return rest.partition(".")[0] if package == "services" else package


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
        for place in self.places:
            await self._die(place)
        await self.product.start(self.service)

    async def _die(self, place: str) -> None:
        said = self.product.folder / f"{self.service}.{place}.{self.nth}.said"
        environment = self.product.environment(self.service, fault=f"{place}:{self.nth}:kill")
        with said.open("wb") as output:
            process = await create_subprocess_exec(
                sys.executable, "-m", f"services.{self.service}", env=environment, stderr=output
            )
        self.product.processes[self.service] = process
        code = await process.wait()
        lines = said.read_text().splitlines()
        assert (code, lines[-1:]) == (-signal.SIGKILL, [f"fault: {place}:{self.nth}:kill"]), lines[-20:]
        self.died_at.append(place)
        await self._let_claims_pass()

    async def _let_claims_pass(self) -> None:
        """Let the time pass for which a claimant keeps its rows without a sign of life."""
        admin_url = self.product.installation.admin_url
        for row in await query(admin_url, _WITH_CLAIMS, self.service):
            await query(
                admin_url,
                f"UPDATE {self.service}.{row['table_name']} SET reconcile_time = now() WHERE reconcile_time > now()",  # noqa: S608  # names of our own
            )
