"""Actions: they really run in the room, and only what their runs say changes them."""

import asyncio
import json
import os
import signal
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from stateroom.event.v1.change_pb2 import ChangeHeader
from stateroom.session.v1 import action_pb2, edit_pb2
from stateroom.session.v1 import action_service_pb2 as pb
from stateroom.session.v1 import context_service_pb2 as context_pb
from stateroom.session.v1 import message_service_pb2 as message_pb

from chassis import ids
from chassis.errors import ServiceUnavailable
from tests.support.git import run_git
from tests.support.refusals import refused
from tests.support.stage import Stage
from tests.support.talk import Talker
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

Action = action_pb2.Action
LIVE = (Action.PENDING, Action.RUNNING)


@pytest_asyncio.fixture(loop_scope="session")
async def ada(stage: Stage) -> Talker:
    """Return somebody whose room has a repository."""
    await run_git(stage.files, "init", "--quiet")
    return Talker(stage)


def _create(path: str, content: str = "") -> edit_pb2.Edit:
    return edit_pb2.Edit(create=edit_pb2.CreateFile(path=path, content=content))


def _files(*edits: edit_pb2.Edit) -> dict[str, Any]:
    return {"modify_files": edit_pb2.ModifyFiles(edits=edits)}


def _fresh() -> str:
    return f"{ids.new()}.txt"


async def _ended(ada: Talker, action_id: str) -> Action:
    """Return an action once it has ended."""
    found: list[Action] = []

    async def over() -> bool:
        found.append(await ada.action(action_id))
        return found[-1].state not in LIVE

    await until(over)
    return found[-1]


async def _done(ada: Talker, context_id: str, **payload: Any) -> Action:
    return await _ended(ada, (await ada.act(context_id, **payload)).action_id)


async def test_modify_files_runs_in_the_room_and_says_what_it_did(ada: Talker) -> None:
    """As a session, whose output is its own; its end is said in the context."""
    context, name = await ada.active(), _fresh()
    action = await _done(ada, context.context_id, **_files(_create(name, "hello")))
    assert (action.state, action.type) == (Action.COMPLETED, Action.MODIFY_FILES)
    assert [(file.path, file.change) for file in action.result.modified_files.files] == [
        (name, action_pb2.ActionResult.ModifiedFile.CREATED)
    ]
    assert (ada.stage.files / name).read_text() == "hello"
    assert not [row for row in await ada.stage.rows("changes", "payload") if b"hello" in row["payload"]]
    session = await ada.stage.get(action.session_id)
    assert (session.exit_code, dict(session.metadata)) == (0, {"action_id": action.action_id})
    assert f"created {name}".encode() in await ada.stage.output(action.session_id)
    listed = await ada.open("ListMessages", message_pb.ListMessagesRequest(context_id=context.context_id))
    assert [said.content for said in listed.messages] == ["MODIFY_FILES completed."]


async def test_modify_files_that_fails_names_the_reason_the_file_and_the_edit(ada: Talker) -> None:
    """FAILED, with a sentence for people, and nothing changed."""
    context, name = await ada.active(), _fresh()
    replace = edit_pb2.Edit(replace=edit_pb2.ReplaceText(path=name, old_text="absent", new_text="x"))
    action = await _done(ada, context.context_id, **_files(_create(name, "there"), replace))
    failure = action.failure
    assert (action.state, failure.reason) == (Action.FAILED, Action.Failure.TEXT_NOT_FOUND)
    assert (failure.path, failure.edit) == (name, 2)
    assert name in failure.message
    assert not (ada.stage.files / name).exists()


async def test_undo_action_takes_its_changes_back_as_an_action_of_its_own(ada: Talker) -> None:
    """Only of a completed one that changed files."""
    context, name = await ada.active(), _fresh()
    action = await _done(ada, context.context_id, **_files(_create(name)))
    undo = await ada.open("UndoAction", pb.UndoActionRequest(action_id=action.action_id))
    assert (undo.type, undo.undo.action_id) == (Action.MODIFY_FILES, action.action_id)
    assert (await _ended(ada, undo.action_id)).state == Action.COMPLETED
    assert not (ada.stage.files / name).exists()
    failed = await _done(ada, context.context_id, **_files(_create("a" * 300)))
    refusal = await refused(ada.open("UndoAction", pb.UndoActionRequest(action_id=failed.action_id)))
    assert (refusal.reason, refusal.values["state"]) == ("ACTION_NOT_UNDOABLE", "FAILED")


async def test_undo_action_after_thirty_days_finds_nothing(ada: Talker) -> None:
    """The next change in the room drops what it would need, and keeps what is newer."""
    context = await ada.active()
    old, new = [await _done(ada, context.context_id, **_files(_create(_fresh()))) for _ in range(2)]
    reference = old.result.modified_files.undo_ref
    tree = (await run_git(ada.stage.files, "rev-parse", f"{reference}^{{tree}}")).strip()
    long_ago = f"{int(time.time()) - 31 * 24 * 3600} +0000"
    aged = await run_git(
        ada.stage.files, "commit-tree", "-p", f"{reference}^", "-m", "old", tree, GIT_COMMITTER_DATE=long_ago
    )
    await run_git(ada.stage.files, "update-ref", reference, aged.strip())
    await _done(ada, context.context_id, **_files(_create(_fresh())))
    listed = await run_git(ada.stage.files, "for-each-ref", "--format=%(refname)", "refs/stateroom/undo")
    assert reference not in listed
    assert new.result.modified_files.undo_ref in listed
    undo = await ada.open("UndoAction", pb.UndoActionRequest(action_id=old.action_id))
    failed = await _ended(ada, undo.action_id)
    assert failed.failure.reason == Action.Failure.UNDO_NOT_FOUND


async def test_clone_template_that_may_not_be_cloned_fails_without_a_run(ada: Talker) -> None:
    """This room's installation allows no local paths; the runner says so."""
    context = await ada.active()
    action = await _done(ada, context.context_id, clone_template=action_pb2.CloneTemplate(repository_url="/tmp/x"))  # noqa: S108  # refused
    assert (action.state, action.failure.reason) == (Action.FAILED, Action.Failure.NOT_STARTED)
    assert "local" in action.failure.message


async def test_configure_tooling_reports_each_tool(ada: Talker) -> None:
    """A tool that is there, and nothing to install."""
    (ada.stage.files / "tooling").mkdir(exist_ok=True)
    context = await ada.active()
    wanted = action_pb2.ConfigureTooling(directory="tooling", tools=["pip"])
    action = await _done(ada, context.context_id, configure_tooling=wanted)
    (tool,) = action.result.configured_tooling.tools
    present = action_pb2.ActionResult.Tool.PRESENT
    assert (action.state, tool.name, tool.outcome) == (Action.COMPLETED, "pip", present)
    assert tool.version.startswith("Python 3")


async def test_create_action_in_a_context_that_is_not_active_is_refused(ada: Talker) -> None:
    """While it is set up, once it is completed, and when it is deleted."""
    context = await ada.create()
    refusal = await refused(ada.act(context.context_id, **_files(_create("x"))))
    assert (refusal.reason, refusal.values["state"]) == ("CONTEXT_IN_WRONG_STATE", "SETUP")
    await ada.change("Delete", context.context_id)
    assert (await refused(ada.act(context.context_id, **_files(_create("x"))))).reason == "CONTEXT_NOT_FOUND"
    assert not await ada.stage.rows("actions")


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "action"),
    (_files(), "action.modify_files.edits"),
    (_files(edit_pb2.Edit()), "action.modify_files.edits[0].change"),
    (_files(_create("ok"), _create("../x")), "action.modify_files.edits[1].create.path"),
    (_files(_create("/x")), "action.modify_files.edits[0].create.path"),
    (_files(_create("a/.git/config")), "action.modify_files.edits[0].create.path"),
    (_files(_create("x", "\0")), "action.modify_files.edits[0].create.content"),
    (_files(edit_pb2.Edit(replace=edit_pb2.ReplaceText(path="x"))), "action.modify_files.edits[0].replace.old_text"),
    (_files(*(_create(f"{n}", "x" * 1_000_000) for n in range(3))), "action.modify_files"),
    (
        {"clone_template": action_pb2.CloneTemplate(repository_url="https://a:b@example.com/x")},
        "action.clone_template.repository_url",
    ),
    (
        {"clone_template": action_pb2.CloneTemplate(repository_url="https://example.com/x", branch="--upload-pack=x")},
        "action.clone_template.branch",
    ),
    ({"configure_tooling": action_pb2.ConfigureTooling(tools=["rm"])}, "action.configure_tooling.tools[0]"),
    ({"deploy": action_pb2.Deploy()}, "action.deploy.port"),
    ({"deploy": action_pb2.Deploy(port=80, working_directory="x")}, "action.deploy.working_directory"),
    ({"deploy": action_pb2.Deploy(command=[""])}, "action.deploy.command"),
    ({"deploy": action_pb2.Deploy(port=80, health_path="x")}, "action.deploy.health_path"),
]


async def test_create_action_with_a_payload_that_breaks_a_rule_names_the_field(ada: Talker) -> None:
    """Before anything runs, and nothing is left of it."""
    context = await ada.active()
    for payload, name in BAD:
        refusal = await refused(ada.act(context.context_id, **payload))
        assert (refusal.code, refusal.fields[0]) == (grpc.StatusCode.INVALID_ARGUMENT, name)
    assert not await ada.stage.rows("actions")


async def test_list_actions_by_state_and_type_and_their_results_page_by_page(ada: Talker) -> None:
    """Newest first; results are pairs of an action and what came of it."""
    context, name = await ada.active(), _fresh()
    first = await _done(ada, context.context_id, **_files(_create(name)))
    second = await _done(ada, context.context_id, configure_tooling=action_pb2.ConfigureTooling(directory="absent"))
    listed = partial(pb.ListActionsRequest, context_id=context.context_id)

    async def found(**wanted: Any) -> list[str]:
        return [action.action_id for action in (await ada.open("ListActions", listed(**wanted))).actions]

    assert await found() == [second.action_id, first.action_id]
    assert await found(state=Action.COMPLETED) == [first.action_id]
    assert await found(type=Action.CONFIGURE_TOOLING) == [second.action_id]
    assert await found(state=Action.PENDING) == []
    page = await ada.open("ListActionResults", pb.ListActionResultsRequest(context_id=context.context_id, page_size=1))
    rest = await ada.open(
        "ListActionResults",
        pb.ListActionResultsRequest(context_id=context.context_id, page_token=page.next_page_token),
    )
    assert page.outcomes[0].action == second
    assert rest.outcomes[0].result == first.result
    assert not rest.outcomes[0].action.HasField("result")
    full = await ada.open("GetFullContext", context_pb.GetFullContextRequest(context_id=context.context_id))
    assert list(full.actions) == [second, first]


async def test_actions_of_another_account_are_not_found(ada: Talker) -> None:
    """Neither seen nor cancelled nor undone."""
    context = await ada.active()
    action = await _done(ada, context.context_id, **_files(_create(_fresh())))
    stranger = Talker(ada.stage, account_id=ids.new())
    for method, request in (
        ("GetAction", pb.GetActionRequest(action_id=action.action_id)),
        ("CancelAction", pb.CancelActionRequest(action_id=action.action_id)),
        ("UndoAction", pb.UndoActionRequest(action_id=action.action_id)),
    ):
        assert (await refused(stranger.open(method, request))).reason == "ACTION_NOT_FOUND"


async def test_complete_context_with_an_action_that_has_not_ended_is_refused(ada: Talker) -> None:
    """An action that cannot begin stays PENDING, and is cancelled at once."""
    context = await ada.active()
    await ada.stage.kill_runner()
    ada.stage.workspace.refusal = ServiceUnavailable("runner")
    action = await ada.act(context.context_id, **_files(_create(_fresh())))
    for verb in ("Complete", "Delete"):
        assert (await refused(ada.change(verb, context.context_id))).reason == "CONTEXT_IN_USE"
    cancelled = await ada.open("CancelAction", pb.CancelActionRequest(action_id=action.action_id))
    assert (cancelled.state, cancelled.session_id) == (Action.CANCELLED, "")
    again = await refused(ada.open("CancelAction", pb.CancelActionRequest(action_id=action.action_id)))
    assert again.reason == "ACTION_ENDED"
    assert (await ada.change("Complete", context.context_id)).etag == '"3"'


async def test_cancel_action_that_runs_ends_its_run(ada: Talker) -> None:
    """What the tool had begun is killed with it."""
    folder = ada.stage.files / "endless"
    folder.mkdir(exist_ok=True)
    (folder / "requirements.txt").write_text("--index-url http://127.0.0.1:9/\nnothing-there\n")
    context = await ada.active()
    action = await ada.act(
        context.context_id, configure_tooling=action_pb2.ConfigureTooling(directory="endless", tools=["pip"])
    )

    async def runs() -> bool:
        return (await ada.action(action.action_id)).state == Action.RUNNING

    await until(runs)
    asked = await ada.open("CancelAction", pb.CancelActionRequest(action_id=action.action_id))
    assert asked.cancel_requested
    assert (await _ended(ada, action.action_id)).state == Action.CANCELLED


async def test_cancel_against_completion_ends_as_the_run_says(ada: Talker) -> None:
    """COMPLETED with the file there, or CANCELLED without it; never both."""
    context = await ada.active()
    for _ in range(4):
        name = _fresh()
        action = await ada.act(context.context_id, **_files(_create(name)))
        with_luck = ada.open("CancelAction", pb.CancelActionRequest(action_id=action.action_id))
        await asyncio.gather(with_luck, return_exceptions=True)
        ended = await _ended(ada, action.action_id)
        assert (ada.stage.files / name).exists() == (ended.state == Action.COMPLETED)


@pytest.mark.thorough
async def test_modify_files_whose_service_and_runner_die_is_done_once_all_the_same(ada: Talker) -> None:
    """It goes on in another session, where it was; a run of anything else would be lost. Each step is told once."""
    context, name = await ada.active(), _fresh()
    await ada.stage.kill_service()
    await ada.stage.start_service(FAULT="actions.after_assign:1:kill")
    action = await ada.act(context.context_id, **_files(_create(name, "once")))
    await asyncio.wait_for(ada.stage.service.wait(), PATIENCE)
    await ada.stage.kill_runner()
    await ada.stage.start_runner()
    await ada.stage.start_service(wait=False, FAULT="actions.after_look:1:kill")
    await asyncio.wait_for(ada.stage.service.wait(), PATIENCE)
    await ada.stage.start_service()
    ended = await _ended(ada, action.action_id)
    assert (ended.state, (ada.stage.files / name).read_text()) == (Action.COMPLETED, "once")
    rows = await ada.stage.rows("sessions", "session_id, state, metadata")
    assert [row["state"] for row in rows] == ["LOST", "STOPPED"]
    assert [json.loads(row["metadata"]) for row in rows] == [{"action_id": action.action_id}] * 2
    assert ended.session_id == str(rows[1]["session_id"])
    assert await _types(ada.stage, action.action_id) == ["created", "assigned", "started", "assigned", "completed"]


@pytest.mark.parametrize("cancels", [False, True])
async def test_modify_files_whose_program_is_killed_halfway_is_done_all_the_same(ada: Talker, *, cancels: bool) -> None:
    """Another run goes on where it was, also for who cancels by then: never is half of it left."""
    context, folder, rows = await ada.active(), "", list[Any]()
    while len(rows) < 2:  # it may be done before it is killed
        folder = str(ids.new())
        names = [f"{folder}/{number}.txt" for number in range(100)]
        asking = ada.act(context.context_id, **_files(*(_create(name, name) for name in names)))
        action, _ = await asyncio.gather(asking, asyncio.to_thread(_kill, ada.stage, "modify_files"))
        if cancels:
            with suppress(grpc.aio.AioRpcError):  # it has ended by now
                await ada.open("CancelAction", pb.CancelActionRequest(action_id=action.action_id))
        ended = await _ended(ada, action.action_id)
        rows = await _sessions_of(ada.stage, action.action_id)
        assert (ended.state, ended.result.modified_files.file_count) == (Action.COMPLETED, 100)
        assert [(ada.stage.files / name).read_text() for name in names] == names
    assert [row["state"] for row in rows] == ["STOPPED", "STOPPED"]
    assert rows[1]["restarted_from"] == rows[0]["session_id"]
    assert {path.name for path in (ada.stage.files / folder).iterdir()} == {f"{number}.txt" for number in range(100)}


async def _sessions_of(stage: Stage, action_id: str) -> list[Any]:
    """Return the sessions in which an action ran, first things first."""
    rows = await stage.rows("sessions", "session_id, state, restarted_from, metadata")
    return [row for row in rows if json.loads(row["metadata"]) == {"action_id": action_id}]


def _kill(stage: Stage, program: str) -> None:
    """Kill a program of ours in the room while files are being changed, as the kernel would, if it can be caught."""
    doing, deadline = stage.files / ".git" / "refs" / "stateroom" / "doing", time.monotonic() + PATIENCE / 4
    while not (doing.exists() and any(doing.iterdir())):
        if time.monotonic() > deadline:
            return  # it was done between two looks
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = process.read_bytes().split(b"\0")
            if program.encode() in words and str(stage.files).encode() in (process.parent / "environ").read_bytes():
                os.kill(int(process.parent.name), signal.SIGKILL)


async def _types(stage: Stage, action_id: str) -> list[str]:
    """Return what is recorded of an action, in order."""
    rows = await stage.rows("changes", "position, header") + await stage.rows("outbox", "id, header")
    headers = [ChangeHeader.FromString(row["header"]) for row in rows]
    return [header.type for header in headers if header.entity_id == action_id]
