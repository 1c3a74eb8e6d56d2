"""Steps that run code in a workspace, in an installation as `make up` starts it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chassis import ids
from cli.client import Client, Json
from tests.support.embedded_stack import EmbeddedStack
from tests.support.left_over import processes_naming
from tests.support.model_server import ModelServer
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

WAITS = """
import pathlib, subprocess, time
def main(inputs):
    print("begun", flush=True)
    with open("begun", "a") as file:
        file.write("a")
    child = subprocess.Popen(["sleep", "1000"], env={"TOKEN": inputs["token"]})
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
    child.kill()
    return "done"
"""


class Room:
    """A workspace, and code that runs in it."""

    def __init__(self, stack: EmbeddedStack, client: Client, workspace_id: str) -> None:
        self.client = client
        self.workspace_id = workspace_id
        self.files = stack.room(workspace_id) / "files"
        self.token = ids.new().hex

    async def start(self, source: str, **step: Any) -> Json:
        """Start an execution of one step with code."""
        code = {"workspaceId": self.workspace_id, "language": "PYTHON", "source": source}
        wanted = {"key": "run", "code": code, "inputs": {"token": f"'{self.token}'"}, "timeout": "60s"} | step
        return await self.client.post("/v1/executions", {"definition": {"steps": [wanted]}})

    async def waiting(self) -> Json:
        """Start code that waits until it is told to go on, and return when it does."""
        started = await self.start(WAITS)

        async def begun() -> bool:
            return (self.files / "begun").exists() and self.runs()

        await until(begun)
        return started

    def runs(self) -> bool:
        """Whether a process that the code has begun is there."""
        return bool(processes_naming(Path(self.token)))

    async def ended(self, started: Json) -> Json:
        """Return an execution that has ended."""
        found = started

        async def over() -> bool:
            found.update(await self.client.get(f"/v1/executions/{started['executionId']}"))
            return "endTime" in found

        await until(over)
        return found

    async def said(self, started: Json) -> list[tuple[str, str]]:
        """Return what the steps of an execution have said, each with its level."""
        lines = self.client.pages(f"/v1/executions/{started['executionId']}/logs", "logs", limit=100)
        return [(line["level"], line["message"]) async for line in lines]


@pytest_asyncio.fixture(loop_scope="session")
async def room(embedded_stack: EmbeddedStack) -> AsyncIterator[Room]:
    """Return a new workspace."""
    async with embedded_stack.client() as client:
        made = await client.post("/v1/workspaces", {"name": f"code-{ids.new().hex[-8:]}"})
        async for seen in client.stream(f"/v1/workspaces/{made['workspaceId']}:watch"):
            made = seen
        assert made["state"] == "ACTIVE"
        yield Room(embedded_stack, client, str(made["workspaceId"]))


async def test_code_step_runs_in_the_workspace_and_logs_what_it_prints(room: Room) -> None:
    """Its output is that of the step; what it prints to its errors is a warning."""
    source = (
        "import os, sys\ndef main(inputs):\n    print('here'); print('oh', file=sys.stderr)\n"
        "    open('made', 'w').close()\n    return {'length': len(inputs['token'])}"
    )
    ended = await room.ended(await room.start(source))
    assert (ended["state"], ended.get("output")) == ("COMPLETED", {"length": 32.0}), ended
    assert sorted(await room.said(ended)) == [("INFO", "here"), ("WARNING", "oh")]
    assert (room.files / "made").exists()


async def test_code_step_that_fails_or_takes_too_long_says_so(room: Room) -> None:
    """Each in its own words."""
    failed = await room.ended(await room.start("def main(inputs):\n    raise ValueError('no')"))
    assert failed["failure"]["reason"] == "EXITED"
    assert any("ValueError: no" in message for _, message in await room.said(failed))
    late = await room.ended(await room.start("def main(inputs):\n    while True: pass", timeout="0.5s"))
    assert late["failure"]["reason"] == "TIMED_OUT"


async def test_code_step_has_its_secret_and_shows_it_nowhere(room: Room) -> None:
    """Neither printed nor returned, nor in what the runner keeps of it, nor in a file."""
    value, name = f"secret-{ids.new().hex}", f"CODE_{ids.new().hex}"
    await room.client.call("PUT", f"/v1/secrets/{name}", body={"value": value})
    source = (
        "import os, sys\ndef main(inputs):\n    value = os.environ['TOKEN']\n    print('it is', value)\n"
        "    return {'value': value, 'length': len(value)}"
    )
    code = {"workspaceId": room.workspace_id, "language": "PYTHON", "source": source, "secrets": {"TOKEN": name}}
    ended = await room.ended(await room.start(source, code=code))
    shown = ended["output"]["value"]
    assert (ended["output"]["length"], shown) == (len(value), f"[secret {name}]"), ended
    assert await room.said(ended) == [("INFO", f"it is {shown}")]
    kept = [file for file in room.files.parent.rglob("*") if file.is_file() and value.encode() in file.read_bytes()]
    assert kept == []


async def test_llm_step_calls_code_as_a_tool(room: Room) -> None:
    """Each call runs by itself, and nothing of it is left."""
    source = "def main(inputs):\n    print('called with', inputs['n'])\n    return inputs['n'] * 2"
    tool = {"name": "double", "code": {"workspaceId": room.workspace_id, "language": "PYTHON", "source": source}}
    script = ({"calls": [("double", '{"n": 21}'), ("double", '{"n": 4}')]}, {"text": "42 and 8"})
    server = ModelServer(*script)
    async with await asyncio.start_server(server.serve, "127.0.0.2", 0) as listening:
        url = f"http://127.0.0.2:{listening.sockets[0].getsockname()[1]}"
        llm = {"protocol": "OPENAI", "baseUrl": url, "model": "fake", "prompt": "'a'", "tools": [tool]}
        wanted = {"definition": {"steps": [{"key": "ask", "llm": llm}]}}
        ended = await room.ended(await room.client.post("/v1/executions", wanted))
    assert ended["output"]["text"] == "42 and 8", ended
    results = [each["content"] for each in server.asked[1][2]["messages"] if each["role"] == "tool"]
    assert results == ["42", "8"]
    assert ("INFO", "called with 21") in await room.said(ended)


@pytest.mark.invariant("I17")
async def test_code_step_of_a_cancelled_execution_leaves_no_process(room: Room) -> None:
    """Not of what it has begun either."""
    started = await room.waiting()
    assert room.runs()
    cancelled = await room.client.post(f"/v1/executions/{started['executionId']}:cancel", {})
    assert cancelled["state"] == "CANCELLED"

    async def gone() -> bool:
        return not room.runs()

    await until(gone)
    assert not (room.files / "go").exists()  # it was ended, and did not go on by itself


@pytest.mark.invariant("I13")
async def test_code_step_whose_engine_is_killed_runs_on_and_is_joined(
    embedded_stack: EmbeddedStack, room: Room
) -> None:
    """It begins once, and what it said is logged once."""
    started = await room.waiting()

    async def logged() -> bool:
        return bool(await room.said(started))

    await until(logged)
    await embedded_stack.kill("execution")
    (room.files / "go").touch()
    ended = await room.ended(started)
    assert (ended["state"], ended.get("output")) == ("COMPLETED", "done"), ended
    assert (room.files / "begun").read_text() == "a"
    assert await room.said(ended) == [("INFO", "begun")]


async def test_code_step_of_no_workspace_fails_with_the_reason(room: Room) -> None:
    """As anything else that begins in one."""
    room.workspace_id = str(ids.new())
    ended = await room.ended(await room.start("def main(inputs): pass"))
    assert ended["failure"]["reason"] == "WORKSPACE_NOT_FOUND"
