"""A room that the tests of one worker share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from chassis import ids
from cli.client import Client, Json
from tests.support.embedded_stack import EmbeddedStack
from tests.support.previews import create_preview
from tests.support.sessions import create_workspace


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def workspace_id(embedded_stack: EmbeddedStack) -> str:
    """Return an empty room for sessions that do not mind each other."""
    async with embedded_stack.client() as client:
        return str((await create_workspace(client, f"shared-{ids.new().hex[-8:]}"))["workspaceId"])


@pytest_asyncio.fixture
async def client(embedded_stack: EmbeddedStack) -> AsyncIterator[Client]:
    """Return a client that acts as the owner."""
    async with embedded_stack.client() as made:
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def preview(embedded_stack: EmbeddedStack) -> Json:
    """Return a live preview of a server that tests share."""
    async with embedded_stack.client() as client:
        workspace = await create_workspace(client, f"previews-{ids.new().hex[-8:]}")
        room = embedded_stack.room(workspace["workspaceId"])
        return await create_preview(client, workspace["workspaceId"], room, healthInterval="1s")
