"""The supervisor dies, or is stopped: what must live on does, what must end does, and the next start knows of both."""

import json
import re
from collections.abc import Awaitable, Callable

import pytest

from cli.attachment import Wish
from tests.support.embedded_stack import EmbeddedStack
from tests.support.places import first_and_thorough
from tests.support.sessions import attached, create_workspace, ended, opened_session, shown, write

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINE = re.compile(rb"line (\d+)\r\n")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("stop", first_and_thorough([EmbeddedStack.crash, EmbeddedStack.leave]))
async def test_up_after_the_supervisor_alone_ended_shell_goes_on(
    own_stack: EmbeddedStack, stop: Callable[[EmbeddedStack], Awaitable[None]]
) -> None:
    """Killed, or told to keep sessions: the next one adopts runner and shell, and no byte between is lost."""
    async with own_stack.client() as client:
        workspace = await create_workspace(client, f"adopted-{stop.__name__}")
        runner = own_stack.room(workspace["workspaceId"]) / "runner.json"
        announced = json.loads(runner.read_text())
        async with (
            opened_session(client, workspace["workspaceId"]) as session_id,
            attached(own_stack.api, Wish(session_id, role="CONTROLLER")) as device,
        ):
            await device.device.type(b"kept=$RANDOM; echo kept: $kept,; i=0; : > going\n")
            await device.device.type(b"while [ -e going ]; do i=$((i+1)); echo line $i; sleep 0.01; done\n")
            await shown(device, b"line 50\r\n")
            await stop(own_stack)
            await own_stack.up()
            (own_stack.room(workspace["workspaceId"]) / "files" / "going").unlink()
            await device.device.type(b"echo still: $kept,; echo counted: $i,; exit\n")
            await ended(device)
    output = bytes(device.data)
    assert json.loads(runner.read_text()) == announced
    assert re.findall(rb"kept: (\d+),", output) == re.findall(rb"still: (\d+),", output) != []
    numbers = [int(number) for number in LINE.findall(output)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert re.findall(rb"counted: (\d+),", output) == [str(len(numbers)).encode()]
    assert len(numbers) > 100


@pytest.mark.timeout(240)
async def test_down_session_ends_with_the_installation(own_stack: EmbeddedStack) -> None:
    """`down` stops everything within its time; the next start knows that the session ended, and has its output."""
    async with own_stack.client() as client:
        workspace = await create_workspace(client, "stopped")
        session = await client.post("/v1/sessions", {"workspaceId": workspace["workspaceId"]})
        async with attached(own_stack.api, Wish(session["sessionId"])) as device:
            await device.device.type(b"trap '' HUP; echo last wo''rds; sleep 1000\n")
            await shown(device, b"last words")
    finished = await own_stack.down()
    assert finished.code == 0, finished.output
    await own_stack.up()
    async with own_stack.client() as client, attached(own_stack.api, Wish(session["sessionId"])) as device:
        await ended(device)
        after = await client.get(f"/v1/sessions/{session['sessionId']}")
        assert (after["state"], after["stopReason"]) == ("STOPPED", "SHUTDOWN")
        assert after["logComplete"]
        assert b"last words" in device.data
        async with opened_session(client, workspace["workspaceId"]) as session_id:
            await write(client, session_id, b"exit\n")
