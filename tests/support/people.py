"""People of an installation and what they call."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from stateroom.session.v1 import session_pb2
from stateroom.session.v1 import session_service_pb2 as session
from stateroom.session.v1.session_service_pb2_grpc import SessionServiceStub
from stateroom.workspace.v1 import identity_service_pb2 as identity
from stateroom.workspace.v1 import workspace_pb2
from stateroom.workspace.v1 import workspace_service_pb2 as workspace
from stateroom.workspace.v1.identity_service_pb2_grpc import IdentityServiceStub
from stateroom.workspace.v1.workspace_service_pb2_grpc import WorkspaceServiceStub

from chassis import ids
from chassis.rpc.channels import open_channel
from chassis.rpc.tokens import TokenSigner
from embedded import keys
from tests.support.product import Product
from tests.support.refusals import Refusal, refused
from tests.support.waiting import PATIENCE, POLL_SECONDS, until

if TYPE_CHECKING:
    from stateroom.workspace.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub
    from stateroom.workspace.v1.workspace_service_pb2_grpc import WorkspaceServiceAsyncStub

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    """A user with a key, and the workspace service as they see it."""

    product: Product
    channel: grpc.aio.Channel
    user_id: str
    key: identity.ApiKey
    secret: str
    account: str = ""
    """The account to act in; the key's own by default."""

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The credential of their calls, and the account."""
        credential = ("authorization", f"Bearer {self.secret}")
        return (credential, ("stateroom-account", self.account)) if self.account else (credential,)

    @property
    def keys(self) -> "IdentityServiceAsyncStub":
        """Their user and keys."""
        return IdentityServiceStub(self.channel)

    @property
    def rooms(self) -> "WorkspaceServiceAsyncStub":
        """Their workspaces."""
        return WorkspaceServiceStub(self.channel)

    def with_key(self, created: identity.CreateApiKeyResponse) -> "Person":
        """Return the same person acting with another key."""
        return replace(self, key=created.api_key, secret=created.secret)

    def acting_in(self, account: str) -> "Person":
        """Return the same person acting in a team, or with an empty account in that of their key."""
        return replace(self, account=account)

    async def create_key(self, *scopes: str, name: str = "a key") -> identity.CreateApiKeyResponse:
        """Create a key."""
        request = identity.CreateApiKeyRequest(api_key=identity.ApiKey(name=name, scopes=scopes))
        return await self.keys.CreateApiKey(request, metadata=self.metadata, wait_for_ready=True)

    async def create_room(self, name: str = "", *, request_id: str = "", **values: Any) -> workspace_pb2.Workspace:
        """Create a workspace; it is not ready yet."""
        wanted = workspace_pb2.Workspace(name=name or f"room-{ids.new()}", **values)
        request = workspace.CreateWorkspaceRequest(workspace=wanted, request_id=request_id)
        return await self.rooms.CreateWorkspace(request, metadata=self.metadata, wait_for_ready=True)

    async def delete_room(self, room: workspace_pb2.Workspace, **values: Any) -> workspace_pb2.Workspace:
        """Delete a workspace."""
        request = workspace.DeleteWorkspaceRequest(workspace_id=room.workspace_id, **values)
        return await self.rooms.DeleteWorkspace(request, metadata=self.metadata)

    async def undelete_room(self, room: workspace_pb2.Workspace, **values: Any) -> workspace_pb2.Workspace:
        """Bring a deleted workspace back."""
        request = workspace.UndeleteWorkspaceRequest(workspace_id=room.workspace_id, **values)
        return await self.rooms.UndeleteWorkspace(request, metadata=self.metadata)

    async def archive_room(self, room: workspace_pb2.Workspace, **values: Any) -> workspace_pb2.Workspace:
        """Put a workspace away."""
        request = workspace.ArchiveWorkspaceRequest(workspace_id=room.workspace_id, **values)
        return await self.rooms.ArchiveWorkspace(request, metadata=self.metadata)

    async def unarchive_room(self, room: workspace_pb2.Workspace, **values: Any) -> workspace_pb2.Workspace:
        """Make an archived workspace active."""
        request = workspace.UnarchiveWorkspaceRequest(workspace_id=room.workspace_id, **values)
        return await self.rooms.UnarchiveWorkspace(request, metadata=self.metadata)

    async def update_room(
        self, room: workspace_pb2.Workspace, *paths: str, etag: str = "*", request_id: str = "", **values: Any
    ) -> workspace_pb2.Workspace:
        """Give a workspace other values: those that the paths name, else those that are not empty."""
        request = workspace.UpdateWorkspaceRequest(
            workspace_id=room.workspace_id,
            workspace=workspace_pb2.Workspace(**values),
            update_mask=FieldMask(paths=paths),
            etag=etag,
            request_id=request_id,
        )
        return await self.rooms.UpdateWorkspace(request, metadata=self.metadata)

    async def create_session(self, room: workspace_pb2.Workspace) -> session_pb2.Session:
        """Open a shell in a workspace."""
        request = session.CreateSessionRequest(session=session_pb2.Session(workspace_id=room.workspace_id))
        return await self._sessions("CreateSession", request)

    async def session(self, session_id: str) -> session_pb2.Session:
        """Return a session."""
        return await self._sessions("GetSession", session.GetSessionRequest(session_id=session_id))

    async def _sessions(self, method: str, request: Any) -> session_pb2.Session:
        async with connected(self.product, "session") as channel:
            stub: Any = SessionServiceStub(channel)
            answer: session_pb2.Session = await getattr(stub, method)(
                request, metadata=self.metadata, wait_for_ready=True, timeout=20
            )
        return answer

    async def settled(self, room: workspace_pb2.Workspace) -> workspace_pb2.Workspace:
        """Return a workspace once it is no longer being created."""
        request = workspace.WatchWorkspaceRequest(workspace_id=room.workspace_id)
        watch = self.rooms.WatchWorkspace(request, metadata=self.metadata, timeout=PATIENCE, wait_for_ready=True)
        return [seen async for seen in watch][-1]

    async def ready_room(self, **values: Any) -> workspace_pb2.Workspace:
        """Create a workspace and return it ACTIVE."""
        room = await self.settled(await self.create_room(**values))
        assert room.state == workspace_pb2.Workspace.ACTIVE, room.state_reason
        return room

    async def kill_runner(self, room: workspace_pb2.Workspace) -> None:
        """Kill a workspace's runner, and wait until its room is free for another."""
        runner = self.product.runner_of(room.workspace_id)
        assert runner is not None
        os.kill(runner.pid, signal.SIGKILL)

        async def gone() -> bool:
            return self.product.runner_of(room.workspace_id) is None and self.product.is_unlocked(room.workspace_id)

        await until(gone)

    async def list_rooms(self, **values: object) -> list[workspace_pb2.Workspace]:
        """Return the first page of workspaces."""
        request = workspace.ListWorkspacesRequest(**values)  # type: ignore[arg-type]  # fields of the request
        response = await self.rooms.ListWorkspaces(request, metadata=self.metadata)
        return list(response.workspaces)

    async def runner(self, room: workspace_pb2.Workspace) -> workspace.Runner:
        """Return the way to a workspace's runner, as the session service asks for it."""
        request = workspace.GetRunnerRequest(workspace_id=room.workspace_id, account_id=self.user_id)
        signer = TokenSigner("session", keys.signing_key_file(self.product.installation.layout, "session"))
        return await self.rooms.GetRunner(request, metadata=signer.metadata(), wait_for_ready=True, timeout=PATIENCE)

    async def runner_of_restarted(self, room: workspace_pb2.Workspace) -> workspace.Runner:
        """Return the same from a service that was killed and started."""
        return await again(lambda: self.runner(room))


async def again(call: Callable[[], Awaitable[T]]) -> T:
    """Return what a repeatable call does once the service, and those that it calls, are there after a restart."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await call()
            except grpc.aio.AioRpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise
                await asyncio.sleep(POLL_SECONDS)


def sign_up_request(handle: str = "", *, token: str = "", email: str = "") -> identity.CreateUserRequest:
    """Return a request for a new user; without a handle, one that nobody has."""
    user = identity.User(handle=handle or f"u{ids.new().hex}", email=email)
    return identity.CreateUserRequest(user=user, bootstrap_token=token)


@asynccontextmanager
async def connected(product: Product, service: str = "workspace") -> AsyncIterator[grpc.aio.Channel]:
    """Open a channel to a service."""
    async with open_channel(product.address(service)) as channel:
        yield channel


async def sign_up(product: Product, channel: grpc.aio.Channel, *, token: str = "") -> Person:
    """Create a person; without a token, where sign-up is open."""
    created = await IdentityServiceStub(channel).CreateUser(sign_up_request(token=token), wait_for_ready=True)
    return Person(product, channel, created.user.user_id, created.api_key, created.secret)


@asynccontextmanager
async def newcomer(product: Product) -> AsyncIterator[Person]:
    """Create a person with a connection of their own."""
    async with connected(product) as channel:
        yield await sign_up(product, channel)


__all__ = ["Person", "Refusal", "connected", "newcomer", "refused", "sign_up", "sign_up_request"]
