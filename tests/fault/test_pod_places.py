"""I11: the workspace service dies at each named place of a Pod's making, and the room has one Pod in the end."""

import signal

import pytest
from stateroom.workspace.v1 import workspace_pb2

from tests.support.cluster.cluster import running_cluster
from tests.support.cluster.home import in_pods
from tests.support.people import again, newcomer
from tests.support.places import first_and_thorough, start_armed
from tests.support.product import Product
from tests.support.waiting import until

PLACES = ["placement.after_hold", "placement.after_row"]


@pytest.mark.invariant("I11")
@pytest.mark.parametrize("place", first_and_thorough(PLACES))
async def test_crash_while_a_pod_is_made_leaves_a_room_with_one_pod(product: Product, place: str) -> None:
    """Who comes next takes what was begun, or puts it away after a while."""
    async with running_cluster() as cluster:
        dying = await start_armed(product, "workspace", f"{place}:1:kill", **in_pods(cluster))
        async with newcomer(product) as person:
            room = await person.create_room()
            assert await dying.wait() == -signal.SIGKILL
            (pod,) = cluster.all("pods")
            assert pod["spec"]["schedulingGates"]
            await product.start("workspace", **in_pods(cluster))

            async def ready() -> bool:
                found = [each for each in await again(person.list_rooms) if each.workspace_id == room.workspace_id]
                return [each.state for each in found] == [workspace_pb2.Workspace.ACTIVE]

            await until(ready)
            assert [each["metadata"]["name"] for each in cluster.all("pods")] == [pod["metadata"]["name"]]
