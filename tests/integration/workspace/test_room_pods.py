"""Rooms as Pods: who gets one, what people are told meanwhile, and what is known of them whatever happens."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from chassis import ids
from chassis.errors import ServiceUnavailable
from services.workspace.placement.kubernetes import errors
from tests.support.cluster.cluster import Cluster, running_cluster
from tests.support.cluster.placing import IMAGE, Placing, placing
from tests.support.waiting import until

SHORT = 0.5
"""Seconds that somebody waits for what never comes."""
NO_CPU = "0/1 nodes are available: 1 Insufficient cpu."


@pytest_asyncio.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """Run a cluster with one node."""
    async with running_cluster() as running:
        yield running


@pytest_asyncio.fixture
async def rooms(cluster: Cluster) -> AsyncIterator[Placing]:
    """Return a placement in the cluster."""
    async with placing(cluster) as alone:
        yield alone


async def test_start_makes_a_pod_as_the_strictest_security_wants_it(rooms: Placing, cluster: Cluster) -> None:
    """Everything that Pod Security `restricted` asks for, no token for the cluster, and whose it is."""
    workspace_id = ids.new()
    runner_id = await rooms.start(workspace_id)
    (pod,) = cluster.all("pods")
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    assert pod["metadata"]["name"] == f"room-{workspace_id}"
    assert pod["metadata"]["labels"]["stateroom.dev/runner-id"] == str(runner_id)
    assert (spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["runAsUser"]) == (True, 10001)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert (spec["automountServiceAccountToken"], spec["enableServiceLinks"]) == (False, False)
    assert container["image"] == IMAGE
    assert [volume["emptyDir"] for volume in spec["volumes"] if "emptyDir" in volume] == [{"sizeLimit": "10Gi"}]
    assert [each["metadata"]["name"] for each in cluster.all("persistentvolumeclaims")] == [f"room-{workspace_id}"]


async def test_start_while_another_has_the_room_is_not_vacant_and_ending_frees_it(rooms: Placing) -> None:
    """The Pod's name is the lock, whoever asks; the disk stays."""
    workspace_id = ids.new()
    first = await rooms.start(workspace_id)
    assert first
    assert await rooms.start(workspace_id) is None
    await rooms.holds(workspace_id, first)
    await rooms.placement.discard(first, workspace_id)
    await rooms.holds(workspace_id, None)

    async def started() -> bool:
        return await rooms.start(workspace_id) is not None

    await until(started)
    assert len(rooms.cluster.all("persistentvolumeclaims")) == 1


async def test_vacant_by_two_at_once_is_given_to_one(rooms: Placing, cluster: Cluster) -> None:
    """Two services that do not know of each other make one Pod."""
    workspace_id = ids.new()
    async with placing(cluster) as other:
        started = await asyncio.gather(rooms.start(workspace_id), other.start(workspace_id))
        assert len([runner_id for runner_id in started if runner_id]) == 1
        (pod,) = cluster.all("pods")
        assert pod["metadata"]["labels"]["stateroom.dev/runner-id"] in map(str, started)


async def test_start_by_one_who_was_given_up_for_dead_leaves_the_other_what_it_needs(
    rooms: Placing, cluster: Cluster
) -> None:
    """Whoever was only slow replaces neither the other's Pod nor what its runner proves itself by."""
    workspace_id = ids.new()
    async with placing(cluster) as slow, slow.placement.vacant(ids.new(), workspace_id, ids.new()) as vacancy:
        assert vacancy is not None
        await rooms.placement.cluster.delete("pods", f"room-{workspace_id}")

        async def started() -> bool:
            return await rooms.start(workspace_id) is not None

        await until(started)
        (pod,) = cluster.all("pods")
        with pytest.raises(errors.RoomRefused):
            await vacancy.start(slow.tell)
    assert [each["metadata"]["uid"] for each in cluster.all("pods")] == [pod["metadata"]["uid"]]
    (mounted,) = [volume["secret"]["secretName"] for volume in pod["spec"]["volumes"] if "secret" in volume]
    (secret,) = [each for each in cluster.all("secrets") if each["metadata"]["name"] == mounted]
    assert secret["metadata"]["ownerReferences"][0]["uid"] == pod["metadata"]["uid"]


async def test_delete_of_a_pod_that_has_changed_since_leaves_it(rooms: Placing, cluster: Cluster) -> None:
    """Who only heard that a Pod was held, and not that it was let start, does not end a runner."""
    workspace_id = ids.new()
    async with rooms.placement.vacant(ids.new(), workspace_id, ids.new()) as vacancy:
        assert vacancy is not None
        (held,) = cluster.all("pods")
        await vacancy.start(rooms.tell)
    known = held["metadata"]
    await rooms.placement.cluster.delete("pods", known["name"], known["uid"], known["resourceVersion"])
    assert "deletionTimestamp" not in cluster.all("pods")[0]["metadata"]
    await rooms.placement.cluster.delete("pods", known["name"], known["uid"])
    await rooms.holds(workspace_id, None)


async def test_vacant_when_nothing_is_started_leaves_no_pod(rooms: Placing, cluster: Cluster) -> None:
    """Whoever holds a room and may not start a runner gives it back."""
    async with rooms.placement.vacant(ids.new(), ids.new(), ids.new()) as vacancy:
        assert vacancy is not None
        assert cluster.all("pods")[0]["spec"]["schedulingGates"]
    assert not cluster.all("pods")


@pytest.mark.parametrize(
    ("orders", "error", "cause"),
    [
        ({"no_node": NO_CPU}, errors.RoomNotScheduled, NO_CPU),
        ({"bad_image": "Back-off pulling image"}, errors.RoomImageNotPulled, "Back-off pulling image"),
        ({"storage_classes": ("slow",)}, errors.RoomDiskNotProvided, 'storageclass.storage.k8s.io "fast" not found'),
    ],
    ids=["no node", "no image", "no disk"],
)
async def test_start_when_the_cluster_cannot_says_why_and_works_once_it_can(
    cluster: Cluster, orders: dict[str, Any], error: type[errors.RoomNotStarted], cause: str
) -> None:
    """The error has the cluster's own words, people read them while they wait, and no Pod stays in the way."""
    cluster.order(**{"storage_classes": ("", "fast")} | orders)
    workspace_id = ids.new()
    async with placing(cluster, patience=SHORT, storage_class="fast") as impatient:
        refused = await impatient.refused(workspace_id)
        assert type(refused) is error
        assert refused.values == {"workspaceId": str(workspace_id), "cause": cause}
        await impatient.holds(workspace_id, None)
    cluster.order(no_node="", bad_image="", storage_classes=("", "fast"))
    async with placing(cluster, storage_class="fast") as patient:
        assert await patient.start(workspace_id)


async def test_start_waits_for_a_node_and_tells_what_it_waits_for(rooms: Placing, cluster: Cluster) -> None:
    """A node that comes later takes the room; until then people read why they wait."""
    cluster.order(no_node=NO_CPU)

    async def told() -> bool:
        return f"Waiting for a node: {NO_CPU}" in rooms.told

    async with asyncio.TaskGroup() as group:
        starting = group.create_task(rooms.start(ids.new()))
        await until(told)
        cluster.order(no_node="")
    assert starting.result()


async def test_start_while_the_image_is_pulled_says_so_and_goes_on(cluster: Cluster) -> None:
    """Who asks meanwhile is told to try again; the Pod stays, and the runner in it is the one that is met later."""
    cluster.order(pulling=True)
    workspace_id = ids.new()
    async with placing(cluster, patience=SHORT) as impatient, placing(cluster) as patient:
        with pytest.raises(errors.RoomStarting):
            await impatient.start(workspace_id)

        async def told() -> bool:
            return "Pulling the image" in patient.told

        (pod,) = cluster.all("pods")
        runner_id = UUID(pod["metadata"]["labels"]["stateroom.dev/runner-id"])
        async with asyncio.TaskGroup() as group:
            met = group.create_task(patient.placement.address(runner_id, workspace_id, patient.tell))
            await until(told)
            cluster.order(pulling=False)
        assert met.result()


async def test_start_over_the_quota_says_so(rooms: Placing, cluster: Cluster) -> None:
    """The quota's own numbers are in the error."""
    cluster.api.pods_quota = 0
    with pytest.raises(errors.RoomQuotaExceeded, match="limited: pods=0"):
        await rooms.start(ids.new())


async def test_holder_of_a_pod_that_ended_while_the_history_was_forgotten_is_nobody(
    rooms: Placing, cluster: Cluster
) -> None:
    """A watch that is too old is begun anew with a list."""
    workspace_id = ids.new()
    runner_id = await rooms.start(workspace_id)
    await rooms.holds(workspace_id, runner_id)
    await cluster.go_away()
    cluster.objects.remove(("pods", "rooms", f"room-{workspace_id}"))
    cluster.objects.forget_history()
    await cluster.come()
    await rooms.holds(workspace_id, None)


async def test_holder_of_a_pod_that_somebody_wrote_much_on_is_known_still(rooms: Placing) -> None:
    """What the watch tells of it is one line, which may be longer than any that the client would read as one."""
    workspace_id = ids.new()
    runner_id = await rooms.start(workspace_id)
    assert runner_id
    note = {"op": "add", "path": "/metadata/annotations", "value": {"note": "x" * 250_000}}
    await rooms.placement.cluster.patch("pods", f"room-{workspace_id}", [note])
    await rooms.placement.cluster.delete("pods", f"room-{workspace_id}")
    await rooms.holds(workspace_id, None)


async def test_holder_while_the_api_server_is_away_is_who_it_was(rooms: Placing, cluster: Cluster) -> None:
    """Rooms go on without the API server; only what needs it waits, and works once it is back."""
    workspace_id = ids.new()
    runner_id = await rooms.start(workspace_id)
    await rooms.holds(workspace_id, runner_id)
    await cluster.go_away()
    with pytest.raises(ServiceUnavailable):
        await rooms.start(ids.new())
    assert await rooms.placement.serving(workspace_id) == runner_id
    await cluster.come()
    assert await rooms.start(ids.new())


async def test_holder_asked_often_makes_no_request(rooms: Placing, cluster: Cluster) -> None:
    """What a watch tells is not asked for."""
    workspace_id = ids.new()
    await rooms.holds(workspace_id, await rooms.start(workspace_id))
    before = len(cluster.api.requests)
    for _ in range(100):
        await rooms.placement.holder(workspace_id)
    assert len(cluster.api.requests) == before
