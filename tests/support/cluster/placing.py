"""The placement alone, in the process of a test, beside a cluster."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from chassis import ids
from services.workspace.placement.kubernetes import errors
from services.workspace.placement.kubernetes.cluster import Cluster as Client
from services.workspace.placement.kubernetes.known import Known
from services.workspace.placement.kubernetes.manifest import Wishes
from services.workspace.placement.kubernetes.placement import KubernetesPlacement
from tests.support.cluster.cluster import NAMESPACE, Cluster
from tests.support.waiting import PATIENCE, running, until

IMAGE = "stateroom/runner:test"


@dataclass(slots=True)
class Placing:
    """A placement, and what it told people."""

    placement: KubernetesPlacement
    cluster: Cluster
    told: list[str] = field(default_factory=list)

    async def tell(self, step: str) -> None:
        """Note a step."""
        self.told.append(step)

    async def start(self, workspace_id: UUID) -> UUID | None:
        """Start a runner; return its id, None when the room is not vacant."""
        runner_id = ids.new()
        async with self.placement.vacant(runner_id, workspace_id, ids.new()) as vacancy:
            if vacancy is None:
                return None
            await vacancy.start(self.tell)
        return runner_id

    async def refused(self, workspace_id: UUID) -> errors.RoomNotStarted:
        """Start a runner that cannot start, and return why, once the cluster has said so."""
        runner_id = ids.new()
        async with self.placement.vacant(runner_id, workspace_id, ids.new()) as vacancy:
            assert vacancy is not None
            waiting: Awaitable[object] = vacancy.start(self.tell)
            while True:
                try:
                    await waiting
                except errors.RoomStarting:  # nothing was said yet
                    waiting = self.placement.address(runner_id, workspace_id, self.tell)
                except errors.RoomNotStarted as error:
                    return error

    async def holds(self, workspace_id: UUID, runner_id: UUID | None) -> None:
        """Wait until the placement knows who has a room."""
        await until(partial(self._is_held, workspace_id, runner_id))

    async def _is_held(self, workspace_id: UUID, runner_id: UUID | None) -> bool:
        return await self.placement.holder(workspace_id) == runner_id


@asynccontextmanager
async def placing(cluster: Cluster, *, patience: float = PATIENCE, storage_class: str = "") -> AsyncIterator[Placing]:
    """Run a placement in a cluster. It keeps at it for `patience` seconds."""
    client = await Client.open(NAMESPACE, cluster.kubeconfig)
    known = Known(client)
    placement = KubernetesPlacement(client, known, Wishes(IMAGE, storage_class=storage_class), b"key", patience)
    try:
        async with running(known.run):
            yield Placing(placement, cluster)
    finally:
        await client.close()
