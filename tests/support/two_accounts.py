"""Two accounts: one that has one of everything, and one that has nothing of it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest_asyncio
from stateroom.session.v1 import (
    attach_pb2,
    coding_agent_service_pb2,
    editor_service_pb2,
    log_pb2,
    preview_pb2,
    preview_service_pb2,
    session_pb2,
    session_service_pb2,
    sharing_service_pb2,
)
from stateroom.session.v1.coding_agent_service_pb2_grpc import CodingAgentServiceStub
from stateroom.session.v1.editor_service_pb2_grpc import EditorServiceStub
from stateroom.session.v1.preview_service_pb2_grpc import PreviewServiceStub
from stateroom.session.v1.session_service_pb2_grpc import SessionServiceStub
from stateroom.session.v1.sharing_service_pb2_grpc import SharingServiceStub
from stateroom.workspace.v1 import save_service_pb2
from stateroom.workspace.v1.save_service_pb2_grpc import SaveServiceStub

from tests.support import waiting
from tests.support.conversation import conversation
from tests.support.executions import executions
from tests.support.people import Person, newcomer
from tests.support.product import SERVICES, Product
from tests.support.raw_agents import ASKING
from tests.support.source import query
from tests.support.teams import create_team, member
from tests.support.waiting import PATIENCE


@dataclass(frozen=True, slots=True)
class Two:
    """Somebody who owns one of everything, by the names of id fields, and somebody who owns nothing of it."""

    owner: Person
    stranger: Person
    owned: dict[str, str]

    def owner_for(self, method: str) -> Person:
        """Return the owner in the account in which there is what a method is about."""
        return self.owner.acting_in(self.owned["team_id"]) if method in IN_TEAMS else self.owner


IN_TEAMS = {"ListMembers"}
"""Methods that show nothing of a team but to who acts in it."""
TALKING = ("sh", "-c", 'echo here >&2; exec "$@"', "sh", *ASKING)
"""An agent with output, which can be looked for."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owned(shared_product: Product) -> AsyncIterator[dict[str, str]]:
    """Make one of everything; returns the ids of it by field name, and the secret of its owner."""
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(newcomer(shared_product))
        # Two of everything that is listed, so that lists have a second page.
        await owner.create_room()
        await owner.create_key()
        room = await owner.settled(await owner.create_room())
        await owner.runner(room)
        (shared_product.folder / "data" / "rooms" / room.workspace_id / "files" / "second").touch()  # beside .git
        found = {"workspace_id": room.workspace_id, "api_key_id": owner.key.api_key_id, "user_id": owner.user_id}
        colleague = await stack.enter_async_context(newcomer(shared_product))
        for _ in range(2):
            found["team_id"] = (await create_team(owner, member(colleague, "MEMBER"))).team_id
        for _ in range(2):
            found["save_id"] = await _save(owner, room.workspace_id)
        if "session" in SERVICES:
            await _session(owner, room.workspace_id)
            found |= await _agent(owner, room.workspace_id)
            found |= await conversation(owner, room.workspace_id)
            found |= await _buffers(owner, room.workspace_id)
            for _ in range(2):
                await stack.enter_async_context(_device(owner, found["session_id"]))
                found["share_link_id"] = await _share(owner, found["session_id"])
                found["preview_id"] = await _preview(owner, room.workspace_id, found["context_id"])
        if "execution" in SERVICES:
            found |= await executions(owner)
        if "audit" in SERVICES:
            found["audit_log_id"] = await _audit_log(owner)
        yield found | {"entity_id": room.workspace_id, "secret": owner.secret}


@asynccontextmanager
async def _device(owner: Person, session_id: str) -> AsyncIterator[None]:
    """Keep a device of the owner's attached."""
    async with grpc.aio.insecure_channel(owner.product.address("session")) as channel:
        stub: Any = SessionServiceStub(channel)
        call = stub.ObserveSession(metadata=owner.metadata)
        wish = attach_pb2.AttachSessionRequest.Attach(session_id=session_id)
        await call.write(attach_pb2.AttachSessionRequest(attach=wish))
        await call.read()
        yield
        call.cancel()


async def _save(owner: Person, workspace_id: str) -> str:
    stub: Any = SaveServiceStub(owner.channel)
    request = save_service_pb2.CreateSaveRequest(workspace_id=workspace_id)
    created = await stub.CreateSave(request, metadata=owner.metadata, timeout=20, wait_for_ready=True)
    return str(created.save_id)


async def _share(owner: Person, session_id: str) -> str:
    request = sharing_service_pb2.CreateShareLinkRequest(
        share_link=sharing_service_pb2.ShareLink(session_id=session_id)
    )
    async with grpc.aio.insecure_channel(owner.product.address("session")) as channel:
        made = await SharingServiceStub(channel).CreateShareLink(request, metadata=owner.metadata, timeout=PATIENCE)
    return str(made.share_link.share_link_id)


async def _session(owner: Person, workspace_id: str) -> str:
    request = session_service_pb2.CreateSessionRequest(session=session_pb2.Session(workspace_id=workspace_id))
    async with grpc.aio.insecure_channel(owner.product.address("session")) as channel:
        stub = SessionServiceStub(channel)
        created = await stub.CreateSession(request, metadata=owner.metadata, timeout=20, wait_for_ready=True)
        events = log_pb2.ListSessionEventsRequest(session_id=created.session_id)

        typing = session_service_pb2.WriteSessionRequest(session_id=created.session_id, data=b"sleep 0.1\n")
        await stub.WriteSession(typing, metadata=owner.metadata, timeout=PATIENCE)

        async def recorded() -> bool:
            return len((await stub.ListSessionEvents(events, metadata=owner.metadata)).session_events) > 1

        await waiting.until(recorded)
    return str(created.session_id)


async def _agent(owner: Person, workspace_id: str) -> dict[str, str]:
    """Return an agent session, with two turns and two requests for permission."""
    async with grpc.aio.insecure_channel(owner.product.address("session")) as channel:
        sessions, agents = SessionServiceStub(channel), CodingAgentServiceStub(channel)
        known: dict[str, Any] = {"metadata": owner.metadata, "timeout": 20}
        wanted = session_pb2.Session(workspace_id=workspace_id, kind=session_pb2.Session.AGENT, command=TALKING)
        created = await sessions.CreateSession(session_service_pb2.CreateSessionRequest(session=wanted), **known)
        session_id = created.session_id
        events = coding_agent_service_pb2.StreamAgentEventsRequest(session_id=session_id)
        stream: Any = agents.StreamAgentEvents(events, **known)
        permissions: list[str] = []
        for text in ("Go on.", "And on."):
            prompt = coding_agent_service_pb2.PromptAgentRequest(session_id=session_id, text=text)
            await agents.PromptAgent(prompt, **known)
            async for told in stream:
                if told.event.HasField("permission_request"):
                    permissions.append(told.event.permission_request.permission_id)
                    cancel = coding_agent_service_pb2.CancelTurnRequest(session_id=session_id)
                    await agents.CancelTurn(cancel, **known)
                if told.event.HasField("turn_end"):
                    break
        stream.cancel()
    return {"session_id": session_id, "continues_session_id": session_id, "permission_id": permissions[0]}


async def _buffers(owner: Person, workspace_id: str) -> dict[str, str]:
    """Return one of two buffers in an editor."""
    async with grpc.aio.insecure_channel(owner.product.address("session")) as channel:
        sessions, editors = SessionServiceStub(channel), EditorServiceStub(channel)
        known: dict[str, Any] = {"metadata": owner.metadata, "timeout": 20}
        wanted = session_pb2.Session(workspace_id=workspace_id, kind=session_pb2.Session.EDITOR)
        created = await sessions.CreateSession(session_service_pb2.CreateSessionRequest(session=wanted), **known)
        opened = ""
        for path in ("new", "newer"):
            place = editor_service_pb2.OpenBufferRequest(session_id=created.session_id, path=path, allow_missing=True)
            opened = (await editors.OpenBuffer(place, **known)).buffer_id
            change = editor_service_pb2.EditBufferRequest(buffer_id=opened, base_revision=1, text="unsaved")
            await editors.EditBuffer(change, **known)
    return {"buffer_id": opened, "ListBuffers.session_id": created.session_id}


async def _preview(owner: Person, workspace_id: str, context_id: str) -> str:
    wanted = preview_pb2.Preview(workspace_id=workspace_id, context_id=context_id, port=1)
    async with grpc.aio.insecure_channel(owner.product.address("session")) as channel:
        stub: Any = PreviewServiceStub(channel)
        request = preview_service_pb2.CreatePreviewRequest(preview=wanted)
        created = await stub.CreatePreview(request, metadata=owner.metadata, timeout=PATIENCE)
    return str(created.preview_id)


async def _audit_log(owner: Person) -> str:
    """Return an entry of the owner's, once the ledger has one."""
    url = owner.product.installation.url("audit_system")

    async def recorded() -> bool:
        return bool(await query(url, "SELECT FROM entries WHERE account_id = $1", owner.user_id))

    await waiting.until(recorded)
    rows = await query(url, "SELECT audit_log_id FROM entries WHERE account_id = $1 LIMIT 1", owner.user_id)
    return str(rows[0]["audit_log_id"])


@pytest_asyncio.fixture
async def two(shared_product: Product, owned: dict[str, str]) -> AsyncIterator[Two]:
    """Return the owner and a stranger."""
    async with newcomer(shared_product) as stranger:
        owner = Person(shared_product, stranger.channel, owned["user_id"], stranger.key, owned["secret"])
        yield Two(owner, stranger, owned)
