"""What the calls of the API reference need of a running installation: whatever stands in a variable of theirs."""

import tarfile
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from chassis import ids
from cli.client import Client, Json
from cli.errors import Refused
from tests.support import waiting
from tests.support.deployments import active_agent, deployment, next_version
from tests.support.file_rooms import many
from tests.support.raw_agents import ASKING, SILENT
from tests.support.sessions import create_workspace, until_state
from tests.support.waiting import until
from tests.support.webhooks import signed

STREAMS_TO_THE_END = {"StreamOutput", "AttachSession", "ObserveSession"}
"""Methods that stream until the session ends."""
ANSWERS = {"ApproveStep", "RefuseStep"}
"""Methods that need a step which asks."""
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
LEAVE_AS_IT_IS = ("Get", "List", "Create", "Restore")
"""How methods are called that do nothing to what they are given: all of them may have the same."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A running installation, as one call needs it."""

    client: Client
    room: str
    live_preview: str
    method: str
    folder: Path
    shared: dict[str, str]
    opened: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)

    async def value(self, variable: str) -> str:
        """Return what stands in a variable: one for all calls that leave it as it is, else one of its own."""
        leaves = self.method.startswith(LEAVE_AS_IT_IS) and self.method not in STATES
        if not leaves or variable in NEW:
            return await MAKERS[variable](self)
        if variable not in self.shared:
            self.shared[variable] = await MAKERS[variable](self)
            self.opened.clear()  # it goes on
        return self.shared[variable]

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
        session_id = await self._open({})
        if self.method in STREAMS_TO_THE_END:
            await self.client.post(f"/v1/sessions/{session_id}:terminate", {})
        return session_id

    async def _open(self, wanted: Json) -> str:
        session = await self.client.post("/v1/sessions", {"workspaceId": self.room} | wanted)
        self.opened.append(str(session["sessionId"]))
        return self.opened[-1]

    async def save(self) -> str:
        """Return a complete save of the room."""
        save = await self.client.post("/v1/saves", {"workspaceId": self.room})

        async def complete() -> bool:
            return bool((await self.client.get(f"/v1/saves/{save['saveId']}"))["state"] == "COMPLETE")

        await until(complete)
        return str(save["saveId"])

    async def ended_session(self) -> str:
        """Return a session that has ended; a deleted one for the call that brings it back."""
        session = await self.client.post("/v1/sessions", {"workspaceId": self.room, "command": ["true"]})
        session_id = str((await until_state(self.client, session["sessionId"], "STOPPED"))["sessionId"])
        if self.method == "UndeleteSession":
            await self.client.delete(f"/v1/sessions/{session_id}")
        return session_id

    async def editor(self) -> str:
        """Return an editor; one in which something happened, and that ended, for the call that streams it."""
        session_id = await self._open({"kind": "EDITOR"})
        if self.method == "StreamEditorEvents":
            await self.client.post(f"/v1/sessions/{session_id}/buffers", {"path": await self.file_path()})
            await self.client.post(f"/v1/sessions/{session_id}:terminate", {})
        return session_id

    async def buffer(self) -> str:
        """Return a buffer, unsaved but for its first edit; its editor has ended for the call that recovers it."""
        session_id = await self._open({"kind": "EDITOR"})
        opened = await self.client.post(f"/v1/sessions/{session_id}/buffers", {"path": await self.file_path()})
        if self.method != "EditBuffer":
            edit = {"baseRevision": 1, "edits": [{"start": 0, "end": 0, "text": "# Draft\n"}]}
            await self.client.post(f"/v1/buffers/{opened['bufferId']}:edit", edit)
        if self.method == "RecoverBuffer":
            await self.client.post(f"/v1/sessions/{session_id}:terminate", {})
            await until_state(self.client, session_id, "STOPPED")
        return str(opened["bufferId"])

    async def agent(self) -> str:
        """Return a session with an agent that answers where the call needs that, else with one that says nothing."""
        answers = self.method in ASKS_BACK
        session_id = await self._open({"kind": "AGENT", "command": ASKING if answers else SILENT})
        path = f"/v1/sessions/{session_id}"
        if self.method == "StreamAgentEvents":
            await self.client.post(f"{path}:terminate", {})
        if answers:
            await self.client.post(f"{path}:prompt", {"text": "Go on."})
            async for message in self.client.stream(f"{path}/agentEvents"):
                if "permissionRequest" in message["event"]:
                    break
        return session_id

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
        """End what runs for this call alone."""
        for session_id in self.opened:
            with suppress(Refused):  # it ended meanwhile
                await self.client.post(f"/v1/sessions/{session_id}:terminate", {})

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
        """Return an action: one that has changed a file to be undone, one that lasts to be cancelled."""
        context = await self.client.post("/v1/contexts", {"workspaceId": self.room})
        path = f"/v1/contexts/{context['contextId']}"
        await self.client.post(f"{path}:activate", {})
        wanted: Json = {"modifyFiles": {"edits": [{"create": {"path": await self.name()}}]}}
        if self.method == "CancelAction":
            wanted = {"deploy": {"command": ["sleep", "600"]}}
        action = await self.client.post(f"{path}/actions", wanted)
        if self.method == "UndoAction":
            await until(partial(self._completed, str(action["actionId"])))
        return str(action["actionId"])

    async def _completed(self, action_id: str) -> bool:
        return bool((await self.client.get(f"/v1/actions/{action_id}"))["state"] == "COMPLETED")

    async def workflow(self) -> str:
        """Return a workflow: a draft, or a deleted one for the call that brings it back."""
        step = {"key": "nothing", "noop": {}}
        made = await self.client.post("/v1/workflows", {"name": "docs", "definition": {"steps": [step]}})
        if self.method == "DeactivateWorkflow":
            await self.client.post(f"/v1/workflows/{made['workflowId']}:activate", {})
        if self.method == "UndeleteWorkflow":
            await self.client.delete(f"/v1/workflows/{made['workflowId']}")
        return str(made["workflowId"])

    async def definition_agent(self) -> str:
        """Return an agent in the state that the call is for."""
        wanted = {"name": "docs", "step": {"key": "only", "data": {}, "inputs": {"n": "1"}}}
        agent_id = str((await self.client.post("/v1/agents", wanted))["agentId"])
        if self.method == "DeactivateAgent":
            await self.client.post(f"/v1/agents/{agent_id}:activate", {})
        if self.method == "UndeleteAgent":
            await self.client.delete(f"/v1/agents/{agent_id}")
        return agent_id

    async def template(self) -> str:
        """Return a template with a parameter; a deleted one for the call that brings it back."""
        data = {"steps": [{"key": "only", "data": {}, "inputs": {"text": "'{{greeting}}'"}}]}
        made = await self.client.post("/v1/templates", {"template": {"name": "docs", "type": "WORKFLOW", "data": data}})
        if self.method == "UndeleteTemplate":
            await self.client.delete(f"/v1/templates/{made['templateId']}")
        return str(made["templateId"])

    async def execution(self) -> str:
        """Return an execution: one that waits for the call that ends that, else one that fails at once and says why."""
        step: Json = {"data": {}, "inputs": {"n": "inputs.nothing"}}
        if self.method == "CancelExecution":
            step = {"wait": {"duration": "3600s"}}
        if self.method in ANSWERS:
            step = {"approval": {"message": "Go on?"}}
        started = await self.client.post("/v1/executions", {"definition": {"steps": [{"key": "only", **step}]}})
        execution_id = str(started["executionId"])
        if self.method in ANSWERS:
            await until(partial(self._asked, execution_id))
        if self.method == "RetryExecution":
            await until(partial(self._failed, execution_id))
        return execution_id

    async def _failed(self, execution_id: str) -> bool:
        return bool((await self.client.get(f"/v1/executions/{execution_id}"))["state"] == "FAILED")

    async def _asked(self, execution_id: str) -> bool:
        return bool((await self.client.get("/v1/approvals", executionId=execution_id))["approvals"])

    async def trigger(self) -> str:
        """Return a trigger that waits for a day far away."""
        wanted = {"name": "docs", "parentWorkflowId": await self.workflow(), "schedule": {"cron": "0 0 29 2 *"}}
        return str((await self.client.post("/v1/triggers", wanted))["triggerId"])

    async def webhook(self) -> str:
        """Return a trigger that waits for deliveries, without a secret."""
        wanted = {"name": "docs", "parentWorkflowId": await self.workflow(), "webhook": {}}
        return str((await self.client.post("/v1/triggers", wanted))["triggerId"])

    async def delivery(self) -> str:
        """Return something that was delivered."""
        webhook = await self.webhook()
        secret = (await self.client.post(f"/v1/triggers/{webhook}:renewSecret", {}))["secret"]
        await self.client.post(f"/v1/triggers/{webhook}:enable", {})
        url = f"{self.client.endpoint.url}/v1/webhooks/{webhook}"
        async with httpx2.AsyncClient() as sender:
            answer = await sender.post(url, content=b"{}", headers=signed(secret, b"{}", str(ids.new())))
        return str(answer.json()["deliveryId"])

    async def secret(self) -> str:
        """Return the name of a secret."""
        name = f"DOCS_{ids.new().hex}"
        await self.client.call("PUT", f"/v1/secrets/{name}", body={"value": "abcdef"})
        return name

    async def chat(self) -> str:
        """Return a chat in which something was said."""
        chat = await self.client.post("/v1/chats", {})
        await self.client.post(f"/v1/chats/{chat['chatId']}/messages", {"content": "hello"})
        return str(chat["chatId"])

    async def user(self) -> str:
        """Return the caller."""
        return str((await self.client.get("/v1/users/me"))["userId"])

    async def newcomer(self) -> str:
        """Return somebody who has just signed up."""
        if not self.people:
            answer = await self.client.call("POST", "/v1/users", body={"user": {"handle": await self.name()}})
            self.people.append(str(answer["user"]["userId"]))
        return self.people[0]

    async def team(self) -> str:
        """Return a team, to which a newcomer belongs for calls that need a second member."""
        roles = {"UpdateMember": "MEMBER", "RemoveMember": "MEMBER", "LeaveTeam": "OWNER"}
        members = [{"userId": await self.newcomer(), "role": roles[self.method]}] if self.method in roles else []
        made = await self.client.post("/v1/teams", {"team": {"handle": await self.name()}, "members": members})
        return str(made["teamId"])

    async def key(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the key to call with: one that was made in the team, for a call that is about a team."""
        if "TEAM_ID" not in variables:
            return {}
        async with Client(self.client.endpoint, variables["TEAM_ID"]) as acting:
            return {"STATEROOM_API_KEY": str((await acting.post("/v1/apiKeys", {"name": "docs"}))["secret"])}

    async def api_key(self) -> str:
        """Return an API key's id."""
        return str((await self.client.post("/v1/apiKeys", {"name": "docs"}))["apiKey"]["apiKeyId"])

    async def share(self) -> dict[str, Any]:
        """Return a link to a session, and its secret."""
        return await self.client.post(f"/v1/sessions/{await self._open({})}/shareLinks", {})

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
    "EDITOR_SESSION_ID": Setting.editor,
    "BUFFER_ID": Setting.buffer,
    "PERMISSION_ID": Setting.permission,
    "PREVIEW_ID": Setting.preview,
    "CONTEXT_ID": Setting.context,
    "ACTION_ID": Setting.action,
    "WORKFLOW_ID": Setting.workflow,
    "TEMPLATE_ID": Setting.template,
    "AGENT_ID": Setting.definition_agent,
    "ACTIVE_AGENT_ID": lambda setting: active_agent(setting.client),
    "DEPLOYMENT_ID": lambda setting: deployment(setting.client, rolled=setting.method == "RollBackDeployment"),
    "VERSION_ID": lambda setting: next_version(setting.client),
    "EXECUTION_ID": Setting.execution,
    "TRIGGER_ID": Setting.trigger,
    "WEBHOOK_ID": Setting.webhook,
    "DELIVERY_ID": Setting.delivery,
    "SECRET_NAME": Setting.secret,
    "CHAT_ID": Setting.chat,
    "USER_ID": Setting.user,
    "TEAM_ID": Setting.team,
    "NEWCOMER_ID": Setting.newcomer,
    "API_KEY_ID": Setting.api_key,
    "SHARE_LINK_ID": Setting.share_link,
    "SHARE_LINK_SECRET": Setting.share_link_secret,
    "AUDIT_LOG_ID": Setting.audit_log,
    "FILE_PATH": Setting.file_path,
    "LOCAL_FILE": Setting.local_file,
    "NAME": Setting.name,
    "HANDLE": Setting.name,
}
"""What stands in a variable of the examples."""
NEW = {"NAME", "HANDLE"}
"""Variables that stand for what nothing has yet."""
