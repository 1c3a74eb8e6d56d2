"""Rooms as Pods, on an API server of our own whose Pods are processes that run the real runner."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.support.cluster.cluster import NAMESPACE, Cluster, running_cluster
from tests.support.people import Person, newcomer
from tests.support.product import Product


@pytest_asyncio.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """Run a cluster with one node."""
    async with running_cluster() as running:
        yield running


@pytest_asyncio.fixture
async def person(product: Product, cluster: Cluster) -> AsyncIterator[Person]:
    """Return somebody whose rooms are Pods."""
    placement: dict[str, Any] = {"placement": "kubernetes", "kubeconfig": cluster.kubeconfig}
    placement["room_namespace"] = NAMESPACE
    await product.start("workspace", **placement, room_image="stateroom/runner:test")
    async with newcomer(product) as created:
        yield created


async def test_create_workspace_makes_a_pod_and_a_disk(person: Person, cluster: Cluster) -> None:
    """The workspace is ready once the runner in the Pod serves."""
    room = await person.ready_room()
    (pod,) = cluster.all("pods")
    assert pod["metadata"]["name"] == f"room-{room.workspace_id}"
