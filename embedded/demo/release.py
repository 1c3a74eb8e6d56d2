"""The tour's workflow: it tests the repository and asks before it goes on, and loses its engine meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from cli.client import Client, Json
from cli.errors import ServerFailed, Unreachable
from embedded.demo.checks import CheckFailed, check
from embedded.demo.services import POLL_SECONDS, RESTART_SECONDS, Services
from embedded.demo.voice import Voice

TESTS = '''\
import glob, os, runpy, subprocess, sys, time

def main(inputs):
    """Run those of the repository's tests that need nothing but Python; where there are none, have git check it."""
    sys.path.insert(0, os.getcwd())
    files = sorted(glob.glob("tests/plain/test_*.py")) if sys.version_info >= (3, 11) else []
    passed = 0
    for file in files:
        for name, test in runpy.run_path(file).items():
            if name.startswith("test_"):
                print("run", name, flush=True)
                test()
                passed += 1
                time.sleep(0.2)
    if not passed:
        print("run git fsck", flush=True)
        time.sleep(1)
        subprocess.run(["git", "fsck", "--no-dangling"], check=True, stdout=subprocess.DEVNULL)
    return {"what": f"{passed} of its own tests" if passed else "git fsck"}
'''
"""Code of a step. It takes long enough for its engine to be killed while it runs."""

_ENDED = {"COMPLETED", "FAILED", "SKIPPED"}


class Release:
    """One execution of the workflow, in a workspace."""

    def __init__(self, client: Client, voice: Voice, services: Services) -> None:
        self._client = client
        self._voice = voice
        self._services = services
        self._ended: Counter[str] = Counter()

    async def run(self, workspace: Json) -> None:
        """Start it, kill what runs it, answer what it asks, and see it complete.

        Raises:
            CheckFailed: a claim does not hold.
        """
        wanted = {"name": "release", "definition": {"steps": steps(str(workspace["workspaceId"]))}}
        started = await self._client.post("/v1/executions", wanted)
        path = f"/v1/executions/{started['executionId']}"
        async with asyncio.TaskGroup() as group:
            group.create_task(self._disturb(path))
            ended = await self._watched(path)
        why = ended.get("failure", {}).get("message", "somebody ended it")
        check(f"the execution is {ended['state']}, not COMPLETED: {why}", holds=ended["state"] == "COMPLETED")
        check("each step ended once", holds=set(self._ended.values()) == {1})
        said = [line["message"] async for line in self._client.pages(f"{path}/logs", "logs", limit=1000)]
        runs = [line for line in said if line.startswith("run ")]
        check("what was being tested was not begun again", holds=len(runs) == len(set(runs)) > 0)
        self._voice.result(f"COMPLETED: {ended['output']['tested']} passed, {ended['output']['comment']}")

    async def _disturb(self, path: str) -> None:
        """Kill the engine while the tests run."""
        async for line in self._lines(path):
            if line["message"].startswith("run "):
                break
        killed = self._services.kill("execution")
        self._voice.result(f"process {killed} of the execution service got SIGKILL while the tests ran")
        self._voice.result(f"it runs again as process {await self._services.restarted('execution', killed)}")

    async def _lines(self, path: str) -> AsyncIterator[Json]:
        async for said in self._client.stream(f"{path}/logs:stream"):
            for line in said["logs"]:
                yield line

    async def _watched(self, path: str) -> Json:
        """Tell each step as it ends, and answer the one that asks; returns the execution once it has ended."""
        sequence, execution = 0, dict[str, Any]()
        for _ in range(int(RESTART_SECONDS / POLL_SECONDS)):
            try:
                async for news in self._client.stream(f"{path}:watch", afterSequence=sequence):
                    execution, sequence = news["execution"], int(news["sequence"])
                    for step in news.get("steps", []):
                        await self._take(path, step)
            except (ServerFailed, Unreachable):
                pass  # its service was killed; what it was told stays told
            if "endTime" in execution:
                return execution
            await asyncio.sleep(POLL_SECONDS)
        msg = f"the execution has not ended after {RESTART_SECONDS:.0f} s"
        raise CheckFailed(msg)

    async def _take(self, path: str, step: Json) -> None:
        if step["state"] in _ENDED:
            self._ended[step["path"]] += 1
            self._voice.result(f"{step['state']:<9}  {step['path']}")
        elif (step["type"], step["state"]) == ("APPROVAL", "WAITING"):
            self._voice.result(f"{step['state']:<9}  {step['path']}: asks; the tour approves")
            await self._client.post(f"{path}:approveStep", {"path": step["path"], "comment": "the tour says go"})


def steps(workspace_id: str) -> list[Json]:
    """Return what the workflow does."""
    code = {"workspaceId": workspace_id, "language": "PYTHON"}
    count = "import subprocess\ndef main(inputs):\n    return len(subprocess.check_output(['git', 'ls-files']).split())"
    return [
        {"key": "tests", "code": code | {"source": TESTS}},
        {"key": "passed", "condition": {"expression": "steps.tests.output.what != ''", "then": ["both"]}},
        {"key": "both", "parallel": {"steps": ["files", "pause"]}},
        {"key": "files", "code": code | {"source": count}},
        {"key": "pause", "wait": {"duration": "0.5s"}},
        {"key": "ask", "approval": {"message": "Release it?"}, "inputs": {"tested": "steps.tests.output.what"}},
        {
            "key": "release",
            "data": {"jq": "{tested, comment: .answer.comment}"},
            "inputs": {"tested": "steps.tests.output.what", "answer": "steps.ask.output"},
        },
    ]
