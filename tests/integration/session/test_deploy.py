"""Actions that start previews, and the previews of contexts."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from stateroom.session.v1 import action_pb2, preview_pb2
from stateroom.session.v1 import action_service_pb2 as pb
from stateroom.session.v1 import context_service_pb2 as context_pb
from stateroom.session.v1 import preview_service_pb2 as preview_pb

from chassis import ids
from tests.support.places import passed_by
from tests.support.refusals import refused
from tests.support.stage import Stage
from tests.support.talk import Talker
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

Action = action_pb2.Action
Preview = preview_pb2.Preview
SERVER = ("sh", "-c", "exec python3 -m http.server --bind 127.0.0.1 $PORT")


@pytest_asyncio.fixture(loop_scope="session")
async def ada(stage: Stage) -> Talker:
    """Return somebody with a room."""
    return Talker(stage)


async def _deploy(ada: Talker, context_id: str, *command: str, **wishes: Any) -> Action:
    return await ada.act(context_id, deploy=action_pb2.Deploy(command=command, **wishes))


async def _reached(ada: Talker, action_id: str, *states: Action.State.ValueType) -> Action:
    """Return an action once it is in one of the states."""
    found: list[Action] = []

    async def there() -> bool:
        found.append(await ada.action(action_id))
        return found[-1].state in states

    await until(there)
    return found[-1]


async def _preview(ada: Talker, preview_id: str) -> Preview:
    found: Preview = await ada.open("GetPreview", preview_pb.GetPreviewRequest(preview_id=preview_id))
    return found


async def test_deploy_is_completed_once_its_preview_answers(ada: Talker) -> None:
    """The preview is the context's and outlives the action; a second one is of the same server, by its port."""
    context = await ada.active()
    action = await _deploy(ada, context.context_id, *SERVER, title="site")
    done = await _reached(ada, action.action_id, Action.COMPLETED, Action.FAILED)
    assert (done.state, done.type) == (Action.COMPLETED, Action.DEPLOY), done.failure
    deployed = done.result.deployed_preview
    preview = await _preview(ada, deployed.preview_id)
    assert (preview.state, preview.title, preview.url) == (Preview.LIVE, "site", deployed.url)
    assert (preview.context_id, preview.session_id) == (context.context_id, done.session_id)
    assert preview.preview_id == done.preview_id
    again = await _deploy(ada, context.context_id, port=preview.port)
    again = await _reached(ada, again.action_id, Action.COMPLETED, Action.FAILED)
    assert (again.state, again.session_id) == (Action.COMPLETED, ""), again.failure
    request = context_pb.GetFullContextRequest(context_id=context.context_id, page_size=1)
    full = await ada.open("GetFullContext", request)
    rest = await ada.open(
        "ListPreviews",
        preview_pb.ListPreviewsRequest(context_id=context.context_id, page_size=1, page_token=full.previews_page_token),
    )
    shown = [each.preview_id for each in (*full.previews, *rest.previews)]
    assert shown == [again.result.deployed_preview.preview_id, preview.preview_id]
    refusal = await refused(ada.open("UndoAction", pb.UndoActionRequest(action_id=done.action_id)))
    assert (refusal.reason, refusal.values["type"]) == ("ACTION_NOT_UNDOABLE", "DEPLOY")


async def test_deploy_of_a_command_that_does_not_serve_fails_with_its_reason(ada: Talker) -> None:
    """One that ends leaves a preview that says so; one that is not there leaves nothing."""
    context = await ada.active()
    ended = await _deploy(ada, context.context_id, "sh", "-c", "exit 3")
    absent = await _deploy(ada, context.context_id, "no-such-program")
    failed = await _reached(ada, ended.action_id, Action.COMPLETED, Action.FAILED)
    assert (failed.failure.reason, "exit code 3" in failed.failure.message) == (Action.Failure.PREVIEW_FAILED, True)
    failed = await _reached(ada, absent.action_id, Action.COMPLETED, Action.FAILED)
    assert failed.failure.reason == Action.Failure.NOT_STARTED
    assert "no-such-program" in failed.failure.message
    assert len(await ada.stage.rows("previews")) == 1


async def test_cancel_action_that_deploys_stops_its_preview(ada: Talker) -> None:
    """And ends the command; one whose time is up is stopped as well."""
    context = await ada.active()
    action = await _deploy(ada, context.context_id, "sleep", "600")
    running = await _reached(ada, action.action_id, Action.RUNNING)
    await ada.open("CancelAction", pb.CancelActionRequest(action_id=action.action_id))
    await _reached(ada, action.action_id, Action.CANCELLED)
    await ada.stage.ended(running.session_id)
    late = await ada.act(context.context_id, deploy=action_pb2.Deploy(command=["sleep", "600"]), timeout={"seconds": 1})
    failed = await _reached(ada, late.action_id, Action.COMPLETED, Action.FAILED)
    assert failed.failure.reason == Action.Failure.TIMED_OUT
    full = await ada.open("GetFullContext", context_pb.GetFullContextRequest(context_id=context.context_id))
    assert [preview.state for preview in full.previews] == [Preview.STOPPED] * 2


async def test_deploy_whose_service_is_killed_makes_one_preview_all_the_same(ada: Talker) -> None:
    """Before the command is started, and before anybody noted that it was."""
    assert passed_by("deployments", 1) == ["previews.after_deploy"]  # each place of previews is passed here
    context = await ada.active()
    await ada.stage.kill_service()
    await ada.stage.start_service(FAULT="previews.after_deploy:1:kill")
    action = await _deploy(ada, context.context_id, *SERVER)
    await asyncio.wait_for(ada.stage.service.wait(), PATIENCE)
    await ada.stage.start_service(wait=False, FAULT="opening.after_start:1:kill")
    await asyncio.wait_for(ada.stage.service.wait(), PATIENCE)
    await ada.stage.start_service()
    done = await _reached(ada, action.action_id, Action.COMPLETED, Action.FAILED)
    assert done.state == Action.COMPLETED, done.failure
    assert await ada.stage.events(action.action_id) == ["created", "assigned", "started", "completed"]
    (preview,) = await ada.stage.rows("previews", "preview_id, state")
    assert (str(preview["preview_id"]), preview["state"]) == (done.result.deployed_preview.preview_id, "LIVE")
    (session,) = await ada.stage.rows("sessions", "session_id, state")
    assert (str(session["session_id"]), session["state"]) == (done.session_id, "ACTIVE")
    await ada.stage.printed(done.session_id, b"GET / HTTP")


async def test_create_preview_of_a_context_that_is_not_the_room_s_is_refused(
    ada: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is not there, deleted, of another account or of another workspace; and nothing is left."""
    kept, deleted = await ada.create(), await ada.create()
    await ada.change("Delete", deleted.context_id)
    for context_id in (str(ids.new()), deleted.context_id):
        assert (await refused(_create(ada, context_id))).reason == "CONTEXT_NOT_FOUND"
    monkeypatch.setattr(ada.stage.workspace, "workspace_id", ids.new())
    refusal = await refused(_create(ada, kept.context_id))
    assert (refusal.reason, refusal.fields) == ("INVALID_FIELD", ("preview.context_id",))
    monkeypatch.undo()
    ada.stage.change_owner()
    assert (await refused(_create(Talker(ada.stage), kept.context_id))).reason == "CONTEXT_NOT_FOUND"
    assert not await ada.stage.rows("previews")


async def _create(ada: Talker, context_id: str) -> Preview:
    wanted = Preview(workspace_id=str(ada.stage.workspace.workspace_id), context_id=context_id, port=80)
    created: Preview = await ada.open("CreatePreview", preview_pb.CreatePreviewRequest(preview=wanted))
    return created
