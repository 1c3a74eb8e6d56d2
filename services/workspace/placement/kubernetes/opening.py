"""Puts the placement together from the settings."""

from contextlib import AsyncExitStack
from hashlib import sha256

from chassis.service import Service
from services.workspace.placement.kubernetes.cluster import Cluster
from services.workspace.placement.kubernetes.known import Known
from services.workspace.placement.kubernetes.manifest import Wishes
from services.workspace.placement.kubernetes.placement import KubernetesPlacement
from services.workspace.settings import WorkspaceSettings


async def open_cluster(settings: WorkspaceSettings, service: Service, stack: AsyncExitStack) -> KubernetesPlacement:
    """Return rooms as Pods, which a loop of the service keeps in mind. The stack closes what is open."""
    cluster = await Cluster.open(settings.room_namespace, settings.kubeconfig)
    stack.push_async_callback(cluster.close)
    known = Known(cluster)
    service.loops.append(known.run)
    key = sha256(b"runner-token\0" + settings.signing_key_file.read_bytes()).digest()
    return KubernetesPlacement(cluster, known, _wishes(settings), key, settings.room_start_seconds)


def _wishes(settings: WorkspaceSettings) -> Wishes:
    requests = {"cpu": settings.room_cpu_request, "memory": settings.room_memory_request}
    limits = {"cpu": settings.room_cpu_limit, "memory": settings.room_memory_limit}
    return Wishes(
        image=settings.room_image,
        size=settings.room_size,
        storage_class=settings.room_storage_class,
        runtime_class=settings.room_runtime_class,
        pull_secret=settings.room_pull_secret,
        node_selector=settings.room_node_selector,
        requests={name: amount for name, amount in requests.items() if amount},
        limits={name: amount for name, amount in limits.items() if amount},
        environment={
            "SANDBOX_AT_LEAST": settings.sandbox_at_least,
            "LOG_LEVEL": settings.log_level,
            "LOG_FORMAT": settings.log_format,
        },
    )
