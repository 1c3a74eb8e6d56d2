"""Services whose rooms are Pods, and somebody who works in them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from stateroom.session.v1 import log_pb2, session_pb2
from stateroom.session.v1 import session_service_pb2 as pb
from stateroom.session.v1.session_service_pb2_grpc import SessionServiceStub
from stateroom.workspace.v1 import workspace_pb2

from embedded.nats import Nats
from embedded.postgres import Postgres
from tests.support.cluster.cluster import NAMESPACE, Cluster, running_cluster
from tests.support.cluster.objects import Object
from tests.support.people import Person, connected, newcomer
from tests.support.product import open_product
from tests.support.source import query
from tests.support.waiting import PATIENCE, until

SHELL = {"PS1": "$ ", "PROMPT_COMMAND": ""}
REPLICA = "replica"


@dataclass(frozen=True, slots=True)
class Home:
    """A cluster, two workspace services and a session service, and a person: `other` is the same at the second one."""

    cluster: Cluster
    person: Person
    other: Person
    stub: Any

    def pod(self, room: workspace_pb2.Workspace) -> Object | None:
        """Return a room's Pod."""
        return self.cluster.objects.by_key.get(("pods", NAMESPACE, f"room-{room.workspace_id}"))

    def has_disk(self, room: workspace_pb2.Workspace) -> bool:
        """Whether a room has a claim."""
        return ("persistentvolumeclaims", NAMESPACE, f"room-{room.workspace_id}") in self.cluster.objects.by_key

    def kill(self, room: workspace_pb2.Workspace) -> None:
        """Kill the process that is a room's Pod."""
        pod = self.pod(room)
        assert pod is not None
        self.cluster.node.processes[pod["metadata"]["uid"]].kill()

    async def without_pod(self, room: workspace_pb2.Workspace) -> None:
        """Wait until a room has no Pod."""
        await until(partial(self._has_no_pod, room))

    async def open(self, room: workspace_pb2.Workspace, *lines: str) -> str:
        """Open a shell and type lines. Returns the session's id."""
        wanted = session_pb2.Session(workspace_id=room.workspace_id, environment=SHELL)
        session = await self._call("CreateSession", pb.CreateSessionRequest(session=wanted))
        for line in lines:
            await self.type(session.session_id, line)
        return str(session.session_id)

    async def type(self, session_id: str, line: str) -> None:
        """Type a line."""
        await self._call("WriteSession", pb.WriteSessionRequest(session_id=session_id, data=f"{line}\n".encode()))

    async def printed(self, session_id: str, wanted: bytes) -> None:
        """Wait until a session has printed the bytes."""
        data, request = bytearray(), log_pb2.StreamOutputRequest(session_id=session_id)
        stream = self.stub.StreamOutput(request, metadata=self.person.metadata, timeout=PATIENCE)
        async for response in stream:
            data += response.data
            if wanted in data:
                stream.cancel()
                return
        raise AssertionError(bytes(data[-500:]))

    async def output(self, session_id: str) -> bytes:
        """Return all that a session prints until its end."""
        request = log_pb2.StreamOutputRequest(session_id=session_id)
        stream = self.stub.StreamOutput(request, metadata=self.person.metadata, timeout=PATIENCE)
        return b"".join([response.data async for response in stream])

    async def session(self, session_id: str) -> session_pb2.Session:
        """Return a session."""
        found: session_pb2.Session = await self._call("GetSession", pb.GetSessionRequest(session_id=session_id))
        return found

    async def run(self, room: workspace_pb2.Workspace, line: str) -> bytes:
        """Run a line in a shell that ends then, and return what is shown."""
        return await self.output(await self.open(room, f"{line}; exit"))

    async def look(self, room: workspace_pb2.Workspace) -> None:
        """Have the service look now whether anybody uses a room."""
        await self.sql(f"UPDATE workspace.runners SET reconcile_time = now() WHERE {_live(room)}")  # noqa: S608  # ours

    async def was_looked_at(self, room: workspace_pb2.Workspace) -> None:
        """Wait until it has looked and left the room as it is."""
        statement = f"SELECT 1 FROM workspace.runners WHERE reconcile_time > now() + interval '1 min' AND {_live(room)}"  # noqa: S608  # ours

        async def looked_at() -> bool:
            return bool(await self.sql(statement))

        await until(looked_at)

    async def sql(self, statement: str) -> list[Any]:
        """Ask the database."""
        return await query(self.person.product.installation.admin_url, statement)

    async def _call(self, method: str, request: Any) -> Any:  # any message
        return await getattr(self.stub, method)(
            request, metadata=self.person.metadata, timeout=PATIENCE, wait_for_ready=True
        )

    async def _has_no_pod(self, room: workspace_pb2.Workspace) -> bool:
        return self.pod(room) is None


def _live(room: workspace_pb2.Workspace) -> str:
    return f"end_time IS NULL AND workspace_id = '{room.workspace_id}'"


def in_pods(cluster: Cluster) -> dict[str, Any]:
    """Return the settings of a workspace service whose rooms are Pods of a cluster."""
    rooms = {"room_namespace": NAMESPACE, "room_image": "stateroom/runner:test"}
    return rooms | {"placement": "kubernetes", "kubeconfig": str(cluster.kubeconfig)}


@asynccontextmanager
async def open_home(postgres: Postgres, nats: Nats) -> AsyncIterator[Home]:
    """Start the services, for the block."""
    async with running_cluster() as cluster, open_product(postgres, nats) as product:
        often: dict[str, Any] = {"purge_days": 0, "sweep_seconds": 0.5}
        await product.start("workspace", **in_pods(cluster), **often)
        await product.start("workspace", replica=REPLICA, **in_pods(cluster), **often)
        await product.start("session")
        async with (
            newcomer(product) as person,
            connected(product, REPLICA) as second,
            connected(product, "session") as sessions,
        ):
            yield Home(cluster, person, replace(person, channel=second), SessionServiceStub(sessions))
