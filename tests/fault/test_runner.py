"""I11: a runner that dies takes its shells along, and nothing else."""

import json
import os
import signal
import time

from chassis import ids
from cli.attachment import Wish
from cli.client import Client
from tests.support.embedded_stack import EmbeddedStack
from tests.support.sessions import attached, create_workspace, ended, opened_session, output, shown, write

LOST_SECONDS = 10.0


async def test_runner_is_killed_session_is_lost_and_workspace_goes_on(
    embedded_stack: EmbeddedStack, client: Client
) -> None:
    """The session is LOST within 10 seconds with all that was shown of it, and the next one finds the room's files."""
    stack = embedded_stack
    workspace = await create_workspace(client, f"lost-{ids.new().hex[-8:]}")
    runner = json.loads((stack.room(workspace["workspaceId"]) / "runner.json").read_text())
    async with opened_session(client, workspace["workspaceId"]) as session_id:
        async with attached(stack.api, Wish(session_id)) as device:
            await device.device.type(b"echo kept > file; seq 3000; sleep 1000\n")
            await shown(device, b"\r\n3000\r\n")
            began = time.monotonic()
            os.kill(runner["pid"], signal.SIGKILL)
            await ended(device)
            assert time.monotonic() - began < LOST_SECONDS
        session = await client.get(f"/v1/sessions/{session_id}")
        assert (session["state"], session["stopReason"]) == ("LOST", "RUNNER_LOST")
        assert await output(client, session_id) == bytes(device.data)
    async with opened_session(client, workspace["workspaceId"]) as session_id:
        await write(client, session_id, b"cat file; exit 9\n")
        assert b"kept\r\n" in await output(client, session_id)
        assert (await client.get(f"/v1/sessions/{session_id}"))["exitCode"] == 9
