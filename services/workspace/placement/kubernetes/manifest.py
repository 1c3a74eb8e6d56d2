"""What a room is made of: a Pod, a claim for its disk, and a Secret with what its runner proves itself by."""

import base64
from dataclasses import dataclass, field
from uuid import UUID

from services.workspace.placement.kubernetes.cluster import Object

WORKSPACE = "stateroom.dev/workspace-id"
"""Label of everything that belongs to a room."""
RUNNER = "stateroom.dev/runner-id"
ACCOUNT = "stateroom.dev/account-id"
GATE = "stateroom.dev/remembered"
"""Keeps a Pod from being scheduled until the runner in it is remembered, and what it needs is there."""

PORT = 7200
_USER = 10001  # of the image
_GRACE = 30  # seconds for a runner to end its programs and to bring what they printed to the disk
_ROOM, _CREDENTIALS = "/room", "/run/stateroom"
_FROM_THE_GROUP = 0o440


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the installation's rooms get of the cluster; empty for whatever it gives."""

    image: str
    size: str = "10Gi"
    storage_class: str = ""
    runtime_class: str = ""
    pull_secret: str = ""
    node_selector: dict[str, str] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Occupant:
    """A runner of a room."""

    runner_id: UUID
    workspace_id: UUID
    account_id: UUID

    @property
    def labels(self) -> dict[str, str]:
        """Whose it is."""
        return _labels(self.workspace_id, self.account_id) | {RUNNER: str(self.runner_id)}


def name_of(workspace_id: UUID) -> str:
    """Return the name of a room's Pod and claim."""
    return f"room-{workspace_id}"


def secret_of(runner_id: UUID) -> str:
    """Return the name of a runner's Secret: one of its own, so that who was given up for dead cannot replace it."""
    return f"runner-{runner_id}"


def claim(occupant: Occupant, wishes: Wishes) -> Object:
    """Return the claim for a room's disk."""
    spec: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": wishes.size}}}
    if wishes.storage_class:
        spec["storageClassName"] = wishes.storage_class
    meta = {"name": name_of(occupant.workspace_id), "labels": _labels(occupant.workspace_id, occupant.account_id)}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def secret(occupant: Occupant, pod_uid: str, files: dict[str, str]) -> Object:
    """Return the Secret of a runner, which goes with its Pod."""
    owner = {"apiVersion": "v1", "kind": "Pod", "name": name_of(occupant.workspace_id), "uid": pod_uid}
    meta = {"name": secret_of(occupant.runner_id), "labels": occupant.labels, "ownerReferences": [owner]}
    data = {name: base64.b64encode(content.encode()).decode() for name, content in files.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque", "data": data}


def pod(occupant: Occupant, wishes: Wishes) -> Object:
    """Return the Pod of a runner, which waits until its gate is opened.

    It ends with its runner: a new one is another Pod. It has no probe of its life, because one that fails would end
    every shell, and no token for the cluster.
    """
    name = name_of(occupant.workspace_id)
    spec: Object = {
        "restartPolicy": "Never",
        "schedulingGates": [{"name": GATE}],
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(occupant, wishes)],
        "volumes": [
            {"name": "room", "persistentVolumeClaim": {"claimName": name}},
            {
                "name": "credentials",
                "secret": {"secretName": secret_of(occupant.runner_id), "defaultMode": _FROM_THE_GROUP},
            },
            {"name": "tmp", "emptyDir": {"sizeLimit": wishes.size}},
        ],
    }
    if wishes.runtime_class:
        spec["runtimeClassName"] = wishes.runtime_class
    if wishes.node_selector:
        spec["nodeSelector"] = wishes.node_selector
    if wishes.pull_secret:
        spec["imagePullSecrets"] = [{"name": wishes.pull_secret}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": occupant.labels}, "spec": spec}


def opening(uid: str) -> list[Object]:
    """Return the patch that opens the gate of a Pod, and of no other of its name."""
    test = {"op": "test", "path": "/metadata/uid", "value": uid}
    return [test, {"op": "remove", "path": "/spec/schedulingGates"}]


def _container(occupant: Occupant, wishes: Wishes) -> Object:
    told = {
        "WORKSPACE_ID": str(occupant.workspace_id),
        "RUNNER_ID": str(occupant.runner_id),
        "ROOM_DIRECTORY": _ROOM,
        "LISTEN": f"0.0.0.0:{PORT}",
        "CREDENTIALS_DIRECTORY": _CREDENTIALS,
    } | wishes.environment
    return {
        "name": "runner",
        "image": wishes.image,
        "env": [{"name": name, "value": value} for name, value in told.items()],
        "ports": [{"name": "grpc", "containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 2},
        "resources": {"requests": wishes.requests, "limits": wishes.limits},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "room", "mountPath": _ROOM},
            {"name": "credentials", "mountPath": _CREDENTIALS, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  # of the Pod
        ],
    }


def _labels(workspace_id: UUID, account_id: UUID) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "stateroom-room",
        "app.kubernetes.io/component": "room",
        WORKSPACE: str(workspace_id),
        ACCOUNT: str(account_id),
    }
