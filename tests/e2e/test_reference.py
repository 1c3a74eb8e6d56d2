"""Every call in the API reference works as it is printed, on a running installation."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chassis import ids
from cli.client import Client, Json
from cli.errors import Refused
from tests.support import waiting
from tests.support.embedded_stack import EmbeddedStack
from tests.support.file_rooms import many
from tests.support.raw_agents import ASKING, SILENT
from tests.support.sessions import create_workspace, until_state
from tests.support.waiting import until

PAGES = Path(__file__).resolve().parents[2] / "docs" / "api"
METHOD = re.compile(r"^## (?P<method>\w+)\n(?P<text>.*?)(?=^## )", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE)
VARIABLE = re.compile(r'\$([A-Z_]+)|os\.environ\["([A-Z_]+)"\]')
STREAMS_TO_THE_END = {"StreamOutput", "AttachSession", "ObserveSession"}
"""Methods that stream until the session ends."""
NEVER_END = {"StreamChatMessages", "WatchFiles"}
"""Methods that stream until their caller leaves."""
ASKS_BACK = {"AnswerPermission", "ChangeAgentSetting"}
"""Methods that need an agent which answers."""
CHANGES_ROOM = {"ArchiveWorkspace", "UnarchiveWorkspace", "DeleteWorkspace", "UndeleteWorkspace"}
"""Methods after which a workspace is of no use to others."""
STATES = {
    "CompleteContext": ("activate",),
    "StreamMessages": ("activate", "complete"),
    "CreateAction": ("activate",),
}
"""Methods that need a context which went through these."""
BROUGHT_BACK = {"UnarchiveWorkspace": ("POST", ":archive"), "UndeleteWorkspace": ("DELETE", "")}
"""Methods that undo something, and the call that does it."""


def _calls() -> list[tuple[str, str, str]]:
    """Return method, program and code of each call."""
    found = []
    for page in sorted(PAGES.glob("*.md")):
        for method in METHOD.finditer(page.read_text()):
            if method["method"] in NEVER_END:
                continue
            for block in BLOCK.finditer(method["text"]):
                code = block["code"]
                found.append((method["method"], "python" if block["language"] == "python" else code.split()[0], code))
    return found


CALLS = _calls()


@dataclass(frozen=True, slots=True)
class Setting:
    """A running installation, as one call needs it."""

    client: Client
    room: str
    live_preview: str
    method: str
    folder: Path

    async def workspace(self) -> str:
        """Return a workspace: one of its own for a call that changes it, else one that all calls share."""
        if self.method not in CHANGES_ROOM:
            return self.room
        workspace_id = str((await create_workspace(self.client, await self.name()))["workspaceId"])
        if self.method in BROUGHT_BACK:
            verb, suffix = BROUGHT_BACK[self.method]
            await self.client.call(verb, f"/v1/workspaces/{workspace_id}{suffix}")
        return workspace_id

    async def session(self) -> str:
        """Return a session, ended where the call waits for the end."""
        session = await self.client.post("/v1/sessions", {"workspaceId": self.room})
        if self.method in STREAMS_TO_THE_END:
            await self.client.post(f"/v1/sessions/{session['sessionId']}:terminate", {})
        return str(session["sessionId"])

    async def save(self) -> str:
        """Return a complete save of the room."""
        save = await self.client.post("/v1/saves", {"workspaceId": self.room})

        async def complete() -> bool:
            return bool((await self.client.get(f"/v1/saves/{save['saveId']}"))["state"] == "COMPLETE")

        await until(complete)
        return str(save["saveId"])

    async def ended_session(self) -> str:
        """Return a session that has ended, deleted for a call that brings it back."""
        session = await self.client.post("/v1/sessions", {"workspaceId": self.room, "command": ["true"]})
        ended = await until_state(self.client, session["sessionId"], "STOPPED")
        if self.method == "UndeleteSession":
            await self.client.delete(f"/v1/sessions/{ended['sessionId']}")
        return str(ended["sessionId"])

    async def agent(self) -> str:
        """Return a session with an agent that answers where the call needs that, else with one that says nothing."""
        answers = self.method in ASKS_BACK
        wanted: Json = {"workspaceId": self.room, "kind": "AGENT", "command": ASKING if answers else SILENT}
        session = await self.client.post("/v1/sessions", wanted)
        path = f"/v1/sessions/{session['sessionId']}"
        if self.method == "StreamAgentEvents":
            await self.client.post(f"{path}:terminate", {})
        if answers:
            await self.client.post(f"{path}:prompt", {"text": "Go on."})
            async for message in self.client.stream(f"{path}/agentEvents"):
                if "permissionRequest" in message["event"]:
                    break
        return str(session["sessionId"])

    async def permission(self) -> str:
        """Return what the newest agent asked permission for."""
        (newest, *_) = (await self.client.get("/v1/sessions", kind="AGENT"))["sessions"]
        path = f"/v1/sessions/{newest['sessionId']}/permissions"
        asked: list[Json] = []

        async def noted() -> bool:  # a moment after it was told
            asked[:] = (await self.client.get(path))["permissions"]
            return bool(asked)

        await waiting.until(noted)
        return str(asked[0]["permissionId"])

    async def preview(self) -> str:
        """Return a preview, one that answers for a call that connects to it."""
        if self.method == "ConnectPreview":
            return self.live_preview
        wanted = {"workspaceId": self.room, "port": 8000}
        return str((await self.client.post("/v1/previews", wanted))["previewId"])

    async def end_sessions(self) -> None:
        """End what runs in the room, so that the account may have more."""
        listed = await self.client.get("/v1/sessions", workspaceId=self.room, pageSize=200)
        for session in (each for each in listed["sessions"] if "endTime" not in each):
            with suppress(Refused):  # it ended meanwhile
                await self.client.post(f"/v1/sessions/{session['sessionId']}:terminate", {})

    async def context(self) -> str:
        """Return a context in which something was said, in the state that the call needs."""
        context = await self.client.post("/v1/contexts", {"workspaceId": self.room})
        path = f"/v1/contexts/{context['contextId']}"
        await self.client.post(f"{path}/messages", {"content": "hello"})
        for verb in STATES.get(self.method, ()):
            await self.client.post(f"{path}:{verb}", {})
        if self.method == "UndeleteContext":
            await self.client.delete(path)
        return str(context["contextId"])

    async def action(self) -> str:
        """Return an action; one that has changed a file for a call that takes it back."""
        context = await self.client.post("/v1/contexts", {"workspaceId": self.room})
        path = f"/v1/contexts/{context['contextId']}"
        await self.client.post(f"{path}:activate", {})
        edits = [{"create": {"path": await self.name()}}]
        action = await self.client.post(f"{path}/actions", {"modifyFiles": {"edits": edits}})
        if self.method == "UndoAction":
            await until(partial(self._completed, str(action["actionId"])))
        return str(action["actionId"])

    async def _completed(self, action_id: str) -> bool:
        return bool((await self.client.get(f"/v1/actions/{action_id}"))["state"] == "COMPLETED")

    async def chat(self) -> str:
        """Return a chat in which something was said."""
        chat = await self.client.post("/v1/chats", {})
        await self.client.post(f"/v1/chats/{chat['chatId']}/messages", {"content": "hello"})
        return str(chat["chatId"])

    async def user(self) -> str:
        """Return the caller."""
        return str((await self.client.get("/v1/users/me"))["userId"])

    async def api_key(self) -> str:
        """Return an API key's id."""
        return str((await self.client.post("/v1/apiKeys", {"name": "docs"}))["apiKey"]["apiKeyId"])

    async def share(self) -> dict[str, Any]:
        """Return a link to a session, and its secret."""
        session = await self.client.post("/v1/sessions", {"workspaceId": self.room})
        return await self.client.post(f"/v1/sessions/{session['sessionId']}/shareLinks", {})

    async def share_link(self) -> str:
        """Return a share link's id."""
        return str((await self.share())["shareLink"]["shareLinkId"])

    async def share_link_secret(self) -> str:
        """Return what opens a share link."""
        return str((await self.share())["secret"])

    async def audit_log(self) -> str:
        """Return an entry of the audit log."""
        return str((await self.client.get("/v1/auditLogs", pageSize=1))["auditLogs"][0]["auditLogId"])

    async def file_path(self) -> str:
        """Return the path of a file in the room that all calls share."""
        path = await self.name()
        files = f"/v1/workspaces/{self.room}/files"
        await self.client.send_content("PUT", f"{files}:write", many([b"hello"]), path=path)
        return path

    async def local_file(self) -> str:
        """Return a file of this machine: an archive, which is as good as any."""
        path = Path(tempfile.mkdtemp(dir=self.folder)) / "archive"
        with tarfile.open(path, "w:gz") as archive:
            archive.add(__file__, "test.py")
        return str(path)

    async def name(self) -> str:
        """Return a name that nothing has."""
        return f"docs-{ids.new().hex[-8:]}"


MAKERS: Mapping[str, Callable[[Setting], Awaitable[str]]] = {
    "WORKSPACE_ID": Setting.workspace,
    "SESSION_ID": Setting.session,
    "SAVE_ID": Setting.save,
    "ENDED_SESSION_ID": Setting.ended_session,
    "AGENT_SESSION_ID": Setting.agent,
    "PERMISSION_ID": Setting.permission,
    "PREVIEW_ID": Setting.preview,
    "CONTEXT_ID": Setting.context,
    "ACTION_ID": Setting.action,
    "CHAT_ID": Setting.chat,
    "USER_ID": Setting.user,
    "API_KEY_ID": Setting.api_key,
    "SHARE_LINK_ID": Setting.share_link,
    "SHARE_LINK_SECRET": Setting.share_link_secret,
    "AUDIT_LOG_ID": Setting.audit_log,
    "FILE_PATH": Setting.file_path,
    "LOCAL_FILE": Setting.local_file,
    "NAME": Setting.name,
    "HANDLE": Setting.name,
}
"""What stands in a variable of the examples, made anew for each call."""


async def _run(code: str, environment: Mapping[str, str]) -> list[object]:
    """Run a call in a shell, and return the JSON that it printed."""
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", code, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(30):
        printed, errors = await process.communicate()
    assert process.returncode == 0, (printed.decode(), errors.decode())
    text, found = printed.decode().strip(), []
    while text:
        value, end = json.JSONDecoder().raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


async def _exec(code: str, variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a call in Python, of our own pages; a process for each would take a second."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    await asyncio.to_thread(exec, code, {})


@pytest.mark.parametrize(("method", "program", "code"), CALLS, ids=[f"{name}-{program}" for name, program, _ in CALLS])
async def test_call_as_printed_answers(  # noqa: PLR0913  # an example and where it runs
    embedded_stack: EmbeddedStack,
    workspace_id: str,
    preview: Json,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    *,
    method: str,
    program: str,
    code: str,
) -> None:
    """What a reader pastes into a shell or a file, with ids of their own, is answered."""
    search = f"{Path(sys.executable).parent}:{os.defpath}"
    if program != "python" and shutil.which(program, path=search) is None:
        pytest.skip(f"this machine has no {program}")
    endpoint = embedded_stack.endpoint
    variables = {"STATEROOM_URL": endpoint.gateway, "STATEROOM_API_KEY": endpoint.api_key}
    variables |= {f"STATEROOM_{name.upper()}": address for name, address in endpoint.services.items()}
    variables |= {"PATH": search, "HOME": str(embedded_stack.folder)}
    async with embedded_stack.client() as client:
        setting = Setting(client, workspace_id, preview["previewId"], method, tmp_path)
        for name in sorted({first or second for first, second in VARIABLE.findall(code)} - variables.keys()):
            variables[name] = await MAKERS[name](setting)
        try:
            if program == "python":
                await _exec(code, variables, monkeypatch)
                assert capsys.readouterr().out
            else:
                answers = await _run(code, variables)
                assert not [answer for answer in answers if isinstance(answer, dict) and "error" in answer]
        finally:
            await setting.end_sessions()
