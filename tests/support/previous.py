"""The code of an earlier release, unpacked, and services of it that run in an installation of this one."""

import os
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path

from tests.support.product import SERVICES, Product

ROOT = Path(__file__).resolve().parents[2]


async def last_release() -> str:
    """Return the newest tag before this commit; empty when there is none yet."""
    return (await _output("git", "describe", "--tags", "--abbrev=0", may_fail=True)).decode().strip()


async def unpack(ref: str, folder: Path) -> "Release":
    """Unpack the code of a commit into an empty folder."""
    archive = await _output("git", "archive", "--format=tar", ref)
    process = await create_subprocess_exec("tar", "-x", "-C", str(folder), stdin=PIPE)
    await process.communicate(archive)
    assert process.returncode == 0
    return Release(folder)


@dataclass(frozen=True, slots=True)
class Release:
    """Code in a folder. It runs on this release's libraries, which a lock would have brought to the same versions."""

    folder: Path

    @property
    def path(self) -> str:
        """Where Python finds it, before anything else."""
        return os.pathsep.join([str(self.folder), str(self.folder / "gen" / "python")])

    async def migrate(self, product: Product) -> None:
        """Bring an installation's schemas to where this release has them."""
        installation = product.installation
        environment = {"PATH": os.defpath, "PYTHONPATH": self.path, "ADMIN_DATABASE_URL": installation.admin_url}
        for service in SERVICES:
            environment[f"{service.upper()}_DATABASE_URL"] = installation.url(service)
            environment[f"{service.upper()}_SYSTEM_DATABASE_URL"] = installation.url(f"{service}_system")
        process = await create_subprocess_exec(
            *(sys.executable, "-m", "chassis.migrate", *SERVICES), env=environment, cwd=self.folder
        )
        assert await process.wait() == 0

    async def start(self, product: Product, service: str, *, replica: str = "") -> None:
        """Start a service of this release; see `Product.start`."""
        name = replica or service
        product.processes[name] = await create_subprocess_exec(
            *(sys.executable, "-m", f"services.{service}"),
            env=product.environment(service, listen=product.address(name), pythonpath=self.path),
            cwd=self.folder,
        )


async def _output(*command: str, may_fail: bool = False) -> bytes:
    process = await create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, cwd=ROOT)
    output, said = await process.communicate()
    assert may_fail or process.returncode == 0, said.decode()
    return output
