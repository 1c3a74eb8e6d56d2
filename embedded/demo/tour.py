"""The steps of the tour, as a client of the public API sees them."""

import asyncio
import hashlib
from base64 import b64decode
from pathlib import Path

from cli.attachment import Wish
from cli.client import Client, Json
from cli.device import Device
from cli.render import Output
from cli.workspaces import follow
from embedded.demo import checks
from embedded.demo.checks import check
from embedded.demo.recorder import Recorder
from embedded.demo.rehearsal import rehearse
from embedded.demo.release import Release
from embedded.demo.services import POLL_SECONDS, RESTART_SECONDS, Services
from embedded.demo.voice import Voice

CUT_AFTER_LINES = 60
SHORT_SHA256 = 16
"""Digits shown; compared is every byte."""
EXPECTED_ACTIONS = {"workspace.created", "session.created", "session.stopped"}


class Tour:
    """One run of the main job. `data` is the installation's folder: the tour needs the process it kills."""

    def __init__(self, client: Client, voice: Voice, data: Path) -> None:
        self._client = client
        self._voice = voice
        self._services = Services(data / "endpoint.json")

    async def run(self, repository: str, name: str) -> None:
        """Take every step.

        Raises:
            CheckFailed: a claim does not hold.
            CommandFailed: the API refuses something.
        """
        with self._voice.step(f"Create the workspace {name} from {repository}"):
            workspace = await self._create_workspace(repository, name)
        with self._voice.step("Open a terminal session in it"):
            session = await self._create_session(workspace)
        first = self._recorder("device A", session)
        async with asyncio.TaskGroup() as group:
            group.create_task(first.run())
            with self._voice.step("Device A attaches and types a command"):
                await self._type_git_log(first)
            with self._voice.step(
                "A loop prints numbered lines; A's connection is cut and the session service killed meanwhile"
            ):
                await self._disturb(first)
            second, third = (
                self._recorder("device B", session),
                self._recorder("device C", session, len(first.data) // 2),
            )
            with self._voice.step(
                f"Device B attaches from byte 0, device C from byte {third.first_offset}; A types `exit`"
            ):
                group.create_task(second.run())
                group.create_task(third.run())
                await first.device.type(b"exit\n")
                for recorder in (first, second, third):
                    await recorder.until(lambda recorder: recorder.ended is not None)
        with self._voice.step("Compare what the devices assembled"):
            await self._compare(session, first, second, third)
        with self._voice.step("Ask a coding agent to edit a file; two devices answer its questions"):
            self._voice.result(await rehearse(self._client, workspace))
        with self._voice.step(
            "Run a workflow; its engine is killed while it tests the repository, and it asks somebody"
        ):
            await Release(self._client, self._voice, self._services).run(workspace)
        with self._voice.step("Read the audit log of all that"):
            me = await self._client.get("/v1/users/me")
            self._voice.entries(await self._audit_log(workspace, session), {me["userId"]: me["handle"]})

    async def _create_workspace(self, repository: str, name: str) -> Json:
        asked = await self._client.post("/v1/workspaces", {"name": name, "repositoryUrl": repository})
        workspace = await follow(self._client, Output(as_json=False, colour=True), asked)
        reason = workspace.get("stateReason") or f"the workspace is {workspace['state']}"
        check(reason, holds=workspace["state"] == "ACTIVE")
        self._voice.result(f"ACTIVE, processes isolated by: {workspace.get('sandbox') or 'unknown'}")
        return workspace

    async def _create_session(self, workspace: Json) -> Json:
        wanted = {
            "workspaceId": workspace["workspaceId"],
            "kind": "TERMINAL",
            "shell": "bash",
            "columns": 100,
            "rows": 30,
        }
        session = await self._client.post("/v1/sessions", wanted)
        check("the session is ACTIVE", holds=session["state"] == "ACTIVE")
        self._voice.result(f"session {session['sessionId']}")
        return session

    def _recorder(self, name: str, session: Json, offset: int = 0) -> Recorder:
        role = "CONTROLLER" if name == "device A" else "OBSERVER"
        wish = Wish(session["sessionId"], offset, role, columns=0, rows=0, device=name)
        return Recorder(name, Device(self._client.endpoint, wish))

    async def _type_git_log(self, device: Recorder) -> None:
        await device.device.type(b"git --no-pager log --oneline --color=never | head -n 5; echo 'that was'\" git\"\n")
        await device.until(lambda recorder: b"that was git" in recorder.data)
        self._voice.excerpt(bytes(device.data))

    async def _disturb(self, device: Recorder) -> None:
        await device.device.type(checks.LOOP.encode())
        await device.until(lambda recorder: checks.count_lines(recorder.data) >= CUT_AFTER_LINES)
        shown = len(device.data)
        device.device.cut()
        killed = self._services.kill("session")
        self._voice.result(f"cut at byte {shown}; process {killed} of the session service got SIGKILL")
        restarted = await self._services.restarted("session", killed)
        self._voice.result(f"the supervisor started it again as process {restarted}")
        await device.until(lambda recorder: checks.LOOP_DONE in recorder.data)
        check("device A had to attach again", holds=device.reconnections > 0)
        self._voice.result(f"A attached again by itself, {device.reconnections} time(s), and saw the loop's end")

    async def _compare(self, session: Json, *devices: Recorder) -> None:
        first, second, third = devices
        path = f"/v1/sessions/{session['sessionId']}/output"
        stored = b"".join([b64decode(part["data"]) async for part in self._client.stream(path)])
        for recorder in (first, second):
            checks.check_lines(recorder.name, recorder.data)
            check(f"{recorder.name} has the bytes that the log has", holds=bytes(recorder.data) == stored)
            self._voice.result(
                f"{recorder.name}: {len(recorder.data)} bytes, SHA-256 {recorder.sha256[:SHORT_SHA256]}…"
            )
        tail = hashlib.sha256(stored[third.first_offset :]).hexdigest()
        check("device C has the log's bytes from its offset on", holds=third.sha256 == tail)
        self._voice.result(f"{third.name}: {len(third.data)} bytes, equal to A's from byte {third.first_offset} on")
        check("A saw as many bytes as the session says it printed", holds=all(_complete(each) for each in devices))
        self._voice.result(f"all {checks.LINES} numbered lines are there, each once, in order")

    async def _audit_log(self, workspace: Json, session: Json) -> list[Json]:
        """Return the entries about both, oldest first, once the end of the session is among them."""

        async def entries() -> list[Json]:
            found: list[Json] = []
            for entity in (workspace["workspaceId"], session["sessionId"]):
                pages = self._client.pages("/v1/auditLogs", "auditLogs", limit=1000, entityId=entity)
                found += [entry async for entry in pages]
            return sorted(found, key=lambda entry: str(entry["time"]))

        missing = EXPECTED_ACTIONS
        for _ in range(int(RESTART_SECONDS / POLL_SECONDS)):
            found = await entries()
            missing = EXPECTED_ACTIONS - {str(entry["action"]) for entry in found}
            if not missing:
                check("every entry has a digest", holds=all(len(entry["digest"]) == 64 for entry in found))  # noqa: PLR2004  # SHA-256
                return found
            await asyncio.sleep(POLL_SECONDS)
        msg = f"the audit log lacks {', '.join(sorted(missing))}"
        raise checks.CheckFailed(msg)


def _complete(recorder: Recorder) -> bool:
    ended = recorder.ended
    return ended is not None and recorder.first_offset + len(recorder.data) == ended.end_offset
