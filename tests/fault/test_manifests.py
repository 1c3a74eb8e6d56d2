"""The rendered manifests, run as processes with rooms in a cluster of the test, are an installation that is kept up."""

import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from tests.support.cluster.cluster import NAMESPACE, running_cluster
from tests.support.manifest_processes import SERVICES, Machine
from tests.support.waiting import PATIENCE, until
from tools.render_chart import ROOT

FOLLOWED = "i=0; while [ ! -e enough ]; do i=$((i+1)); echo line $i; sleep 0.02; done; echo counted $i"


@asynccontextmanager
async def _installed() -> AsyncIterator[Machine]:
    """Run everything that the manifests name, all at once, as a cluster would start it."""
    with tempfile.TemporaryDirectory(prefix="sr-m-") as folder:
        async with running_cluster() as cluster:
            rooms = {"KUBECONFIG": str(cluster.kubeconfig), "ROOM_NAMESPACE": NAMESPACE}
            machine = Machine(Path(folder), {"workspace": rooms})
            machine.make_secrets()
            try:
                async with asyncio.TaskGroup() as group:
                    for component in ("postgresql", "nats", *SERVICES, "gateway"):
                        group.create_task(machine.start(component))
                    group.create_task(machine.finish("migrate"))
                await machine.finish("test")
                yield machine
            finally:
                machine.kill()


async def _first_user(machine: Machine) -> str:
    """Make the first user as the notes say. Returns the API key."""
    wanted = {"user": {"handle": "owner"}, "bootstrapToken": machine.bootstrap_token}
    async with httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
        answer = await client.post(f"{machine.gateway}/v1/users", json=wanted)
    key: str = answer.raise_for_status().json()["secret"]
    return key


async def _command(machine: Machine, key: str, *arguments: str) -> tuple[int | None, str]:
    """Run the `stateroom` command. Returns its exit code and what it printed."""
    environment = {"STATEROOM_URL": machine.gateway, "STATEROOM_API_KEY": key, "HOME": str(machine.folder)}
    environment["PYTHONPATH"] = ":".join(path for path in sys.path if path)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", *arguments),
        env=environment,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


@pytest.mark.thorough
@pytest.mark.timeout(600)
@pytest.mark.invariant("I7")
@pytest.mark.invariant("I32")
async def test_services_of_the_manifests_are_replaced_one_by_one_and_no_byte_is_lost() -> None:
    """Ready as `helm test` asks, a first user, a room as a Pod; whoever follows its output comes back each time."""
    async with _installed() as machine:
        key = await _first_user(machine)
        assert (await _command(machine, key, "workspace", "create", "demo"))[0] == 0
        following = asyncio.ensure_future(_command(machine, key, "exec", "demo", "sh", "-c", FOLLOWED))  # noqa: TID251  # awaited below

        async def is_followed() -> bool:
            return (await _command(machine, key, "exec", "demo", "true"))[0] == 0

        await until(is_followed)
        for component in SERVICES:
            await machine.stop(component)
            await machine.start(component)
            await machine.finish("test")
        assert (await _command(machine, key, "exec", "demo", "touch", "enough"))[0] == 0
        code, printed = await asyncio.wait_for(following, PATIENCE)
        numbers = [int(number) for number in re.findall(r"line (\d+)", printed)]
        assert (code, numbers) == (0, list(range(1, len(numbers) + 1)))
        assert len(numbers) > 100
        assert printed.endswith(f"counted {len(numbers)}\n")
        for component in ("gateway", *SERVICES, "nats", "postgresql"):
            await machine.stop(component)
