"""`python -m benchmarks.idle_rooms [ROOMS]`: a simulation of what idle rooms of a cluster cost the workspace service.

The API server of the tests holds as many Pods as are asked for, none of which is a process; the workspace service is
the real one, with the rows that it would have. Printed are its memory and its processor time while nothing happens,
with the rooms and without.
"""

import argparse
import asyncio
import sys

import asyncpg

from benchmarks.processes import cores_of, resident_of, sockets_of
from chassis import ids
from services.workspace.placement.kubernetes import manifest
from services.workspace.placement.kubernetes.manifest import Occupant, Wishes
from tests.support.cluster.cluster import NAMESPACE, Cluster, running_cluster
from tests.support.cluster.home import in_pods
from tests.support.nats import running_nats
from tests.support.postgres import running_postgres
from tests.support.product import Product, migrate_template, open_product

SECONDS = 60.0
"""For how long nothing happens."""
_SETTLE = 10.0  # seconds for the first list
_WISHES = Wishes("stateroom/runner:test", requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "2Gi"})
_ROWS = (
    """INSERT INTO workspace.workspaces (workspace_id, account_id, name, description, metadata, repository_url, branch,
        state, state_reason, progress_step, progress_percent, sandbox, version, create_time, update_time)
    SELECT id, account, id::text, '', '{}', '', '', 'ACTIVE', '', '', 0, 'landlock', 1, now(), now()
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS rooms (runner, id, account)""",
    """INSERT INTO workspace.runners (runner_id, account_id, workspace_id, purpose, address, certificate, create_time,
        reconcile_time)
    SELECT runner, account, id, 'WORKSPACE', '', '', now(), now() + interval '30 min'
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS rooms (runner, id, account)""",
)


async def furnish(cluster: Cluster, product: Product, count: int) -> None:
    """Make rooms: their Pods, as they are when they run, and their rows."""
    occupants = [Occupant(ids.new(), ids.new(), ids.new()) for _ in range(count)]
    for number, occupant in enumerate(occupants):
        pod = manifest.pod(occupant, _WISHES)
        del pod["spec"]["schedulingGates"]
        ready = [
            {"type": kind, "status": "True"} for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        ]
        state = {"name": "runner", "ready": True, "restartCount": 0, "state": {"running": {}}}
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        pod["status"] = {"phase": "Running", "podIP": address, "conditions": ready, "containerStatuses": [state]}
        cluster.objects.create("pods", NAMESPACE, pod)
    rows = [[getattr(each, name) for each in occupants] for name in ("runner_id", "workspace_id", "account_id")]
    connection = await asyncpg.connect(product.installation.admin_url)
    try:
        for statement in _ROWS:
            await connection.execute(statement, *rows)
    finally:
        await connection.close()


async def measure(count: int) -> str:
    """Return what the workspace service takes with so many rooms."""
    async with running_postgres() as postgres, running_nats() as nats:
        await migrate_template(postgres)
        async with running_cluster(is_real=False) as cluster, open_product(postgres, nats) as product:
            await furnish(cluster, product, count)
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "services.workspace"),
                env=product.environment("workspace", **in_pods(cluster)),
            )
            try:
                await asyncio.sleep(_SETTLE)
                requests = len(cluster.api.requests)
                cores = await cores_of(process.pid, SECONDS)
                sockets = sockets_of(process.pid)
                asked = len(cluster.api.requests) - requests
                size = resident_of(process.pid) / 2**20
            finally:
                process.terminate()
                await process.wait()
    return f"{count} rooms: {size:.0f} MiB, {cores:.4f} cores, {sockets} sockets, {asked} requests in {SECONDS:.0f} s"


def main() -> None:
    """Measure without rooms and with those that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rooms", type=int, nargs="?", default=10_000)
    for count in (0, parser.parse_args().rooms):
        sys.stdout.write(f"{asyncio.run(measure(count))}\n")


if __name__ == "__main__":
    main()
