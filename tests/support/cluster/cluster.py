"""The cluster as a test sees it: what a client is told about it, and what the test orders to happen."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from aiohttp import web

from embedded.ports import free_port
from tests.support.cluster.node import Node
from tests.support.cluster.objects import Object, Objects
from tests.support.cluster.server import Api, serve
from tests.support.waiting import running

NAMESPACE = "rooms"


@dataclass(slots=True)
class Cluster:
    """A running API server with one node."""

    api: Api
    node: Node
    port: int
    kubeconfig: Path
    _serving: web.AppRunner | None = None

    @property
    def objects(self) -> Objects:
        """What is stored."""
        return self.api.objects

    def all(self, plural: str) -> list[Object]:
        """Return all objects of a kind."""
        return self.objects.list(plural, NAMESPACE, lambda _: True)

    def order(self, **orders: object) -> None:
        """Change what happens to Pods, by the names of the `Orders`."""
        for name, value in orders.items():
            setattr(self.node.orders, name, value)
        self.objects.ring()

    def evict(self, name: str) -> None:
        """Evict a Pod as the drain of a node does: it has its grace period to end."""
        self.api.delete(("pods", NAMESPACE, name), {})

    async def come(self) -> None:
        """Begin to answer."""
        self._serving = await serve(self.api, self.port)

    async def go_away(self) -> None:
        """Answer no more, and cut off who watches. What runs on the node goes on."""
        if self._serving is not None:
            await self._serving.cleanup()
            self._serving = None


@asynccontextmanager
async def running_cluster(*, is_real: bool = True) -> AsyncIterator[Cluster]:
    """Run a cluster in this process; its Pods are processes of their own, and end with the block.

    One that is not real has nobody who looks after Pods.
    """
    folder = Path(tempfile.mkdtemp(prefix="sr-k-"))
    api, port = Api(Objects(), token="the token of the service account"), free_port()  # of nothing
    cluster = Cluster(api, Node(api.objects, folder), port, folder / "kubeconfig")
    cluster.kubeconfig.write_text(yaml.safe_dump(_kubeconfig(port, api.token)))
    await cluster.come()
    try:
        async with running(*([cluster.node.run] if is_real else [])):
            yield cluster
    finally:
        await cluster.go_away()
        shutil.rmtree(folder)


def _kubeconfig(port: int, token: str) -> Object:
    context = {"cluster": "test", "user": "test", "namespace": NAMESPACE}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": context}],
    }
