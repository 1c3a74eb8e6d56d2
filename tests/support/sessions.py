"""What tests do with workspaces and sessions through the public API."""

import asyncio
import os
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from cli.attachment import Wish
from cli.client import Client, Json
from cli.device import Device
from cli.endpoint import Endpoint
from cli.errors import Refused
from embedded.demo.recorder import Recorder
from tests.support.waiting import PATIENCE, until

ATTACHED = 220.0
"""Seconds a device may stay attached, over whatever is killed meanwhile."""


async def create_workspace(client: Client, name: str, repository: str = "") -> Json:
    """Create a workspace and follow it until it is ready."""
    workspace = await client.post("/v1/workspaces", {"name": name, "repositoryUrl": repository})
    async for latest in client.stream(f"/v1/workspaces/{workspace['workspaceId']}:watch"):
        workspace = latest
        if workspace["state"] != "CREATING":
            break
    assert workspace["state"] == "ACTIVE", workspace
    return workspace


@asynccontextmanager
async def opened_session(client: Client, workspace_id: str, **others: object) -> AsyncIterator[str]:
    """Open a session of 80 by 24 cells, and have it ended after the block."""
    session = await client.post("/v1/sessions", {"workspaceId": workspace_id, **others})
    assert session["state"] == "ACTIVE"
    try:
        yield str(session["sessionId"])
    finally:
        with suppress(Refused):  # it ended in the block
            await client.post(f"/v1/sessions/{session['sessionId']}:terminate", {})


@asynccontextmanager
async def attached(api: Endpoint, wish: Wish, seconds: float = ATTACHED) -> AsyncIterator[Recorder]:
    """Keep a device attached, across connections, that records what it is shown."""
    recorder = Recorder(wish.device, Device(api, wish))
    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            recording = group.create_task(recorder.run())
            yield recorder
            recording.cancel()
    except TimeoutError as error:
        msg = f"{len(recorder.data)} bytes shown, the last: {bytes(recorder.data[-500:])!r}"
        raise AssertionError(msg) from error


async def shown(recorder: Recorder, text: bytes) -> None:
    """Wait until a device was shown the bytes."""
    await recorder.until(lambda device: text in device.data)


async def ended(recorder: Recorder) -> None:
    """Wait until a device was told that the session ended."""
    await recorder.until(lambda device: device.ended is not None)


async def write(client: Client, session_id: str, text: bytes) -> None:
    """Type without a device."""
    await client.post(f"/v1/sessions/{session_id}:write", {"data": b64encode(text).decode()})


async def output(client: Client, session_id: str, offset: int = 0) -> bytes:
    """Return the output from an offset to the end of the session, which is waited for; it has no gap."""
    path, data = f"/v1/sessions/{session_id}/output", bytearray()
    async with asyncio.timeout(PATIENCE):
        async for part in client.stream(path, offset=offset):
            assert int(part.get("offset", 0)) == offset + len(data)
            data += b64decode(part["data"])
    return bytes(data)


async def until_state(client: Client, session_id: str, *states: str) -> Json:
    """Return the session once it is in one of the states."""
    latest: list[Json] = []

    async def reached() -> bool:
        latest.append(await client.get(f"/v1/sessions/{session_id}"))
        return latest[-1]["state"] in states

    await until(reached)
    return latest[-1]


async def make_repository(path: Path, files: Mapping[str, bytes]) -> str:
    """Make a git repository with one commit, and return its path."""
    path.mkdir()
    for name, content in files.items():
        (path / name).write_bytes(content)
    identity = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", "git init -q && git add . && git commit -qm 'The first commit'"),
        cwd=path,
        env={"PATH": os.defpath, "HOME": str(path)} | identity,
    )
    assert await process.wait() == 0
    return str(path)
