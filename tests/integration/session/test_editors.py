"""Editors: buffers that several devices edit, files that others change, and text that survives whatever happens."""

import asyncio
from contextlib import suppress
from typing import Any

import grpc
import pytest
from stateroom.session.v1 import editor_service_pb2 as pb
from stateroom.session.v1 import (
    lifecycle_service_pb2,
    log_pb2,
    session_pb2,
    session_service_pb2,
    sharing_service_pb2,
)
from stateroom.session.v1.editor_pb2 import EditorBuffer, EditorEvent

from chassis import ids
from chassis.errors import NotFound
from tests.support.editors import Editor, edit, follow, get, save, unsaved
from tests.support.fake_workspace import refusal
from tests.support.places import passed_by
from tests.support.stage import Stage, reason
from tests.support.waiting import running

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

Session = session_pb2.Session


async def _refused(call: Any) -> str:  # what a stub returns
    """Return why a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return reason(refused.value)


async def _write(stage: Stage, buffer_id: str) -> None:
    """Edit, unless another one is faster, and save, while others do the same."""
    with suppress(grpc.aio.AioRpcError):
        buffer = await get(stage, buffer_id)
        await edit(stage, buffer, [(0, 0, " ")])
    assert (await stage.call("SaveBuffer", pb.SaveBufferRequest(buffer_id=buffer_id))).outside == 0


async def _shell(stage: Stage, script: str) -> None:
    """Run something in the room, as anybody there may, and wait until it has ended."""
    started = await stage.create(kind=Session.COMMAND, command=["sh", "-c", script], environment={})
    assert (await stage.ended(started.session_id)).exit_code == 0


async def test_edit_and_save_write_the_file_and_tell_what_happened(stage: Stage) -> None:
    """Ranges count characters; text is in the row at once and in the file when it is saved; no event has any of it."""
    editor = await Editor.open(stage)
    session = await stage.get(editor.session_id)
    assert (session.state, session.title, session.shell) == (Session.ACTIVE, "editor", "")
    opened = await editor.buffer("a.txt", "één\ntwo\n")
    assert (opened.text, opened.revision, opened.unsaved) == ("één\ntwo\n", 1, False)
    edited = await edit(stage, opened, [(0, 3, "1"), (4, 7, "2"), (8, 8, "3\n")])
    assert (edited.revision, edited.unsaved, edited.text) == (2, True, "")
    assert (await get(stage, opened.buffer_id)).text == "1\n2\n3\n"
    assert (stage.files / "a.txt").read_text() == "één\ntwo\n"
    saved = await save(stage, edited)
    assert (saved.unsaved, saved.outside, saved.file_etag != opened.file_etag) == (False, 0, True)
    assert (stage.files / "a.txt").read_text() == "1\n2\n3\n"
    assert await stage.events(opened.buffer_id) == ["opened", "save_started", "saved"]
    listed = await stage.call(
        "ListSessionEvents", log_pb2.ListSessionEventsRequest(session_id=editor.session_id, page_size=50)
    )
    types = [EditorEvent.Type.Name(each.editor_event.type) for each in listed.session_events]
    assert types == ["OPENED", "EDITED", "SAVED"]
    assert [(each.start, each.end, each.length) for each in listed.session_events[1].editor_event.ranges][1] == (
        4,
        7,
        1,
    )
    assert b"two" not in b"".join(each.SerializeToString() for each in listed.session_events)


async def test_edit_of_two_devices_at_once_has_one_winner_and_loses_nothing(stage: Stage, other: Stage) -> None:
    """At two processes of the service; the loser is told the revision, reads it, and edits that."""
    editor = await Editor.open(stage)
    opened = await editor.buffer("race.txt", "")
    buffer = opened
    for turn in range(5):
        names = (f"a{turn} ", f"b{turn} ")
        tries = [
            edit(at, buffer, [(buffer.revision * 3 - 3, buffer.revision * 3 - 3, name)])
            for at, name in zip((stage, other), names, strict=True)
        ]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        (lost,) = [each for each in outcomes if isinstance(each, grpc.aio.AioRpcError)]
        assert reason(lost) == "BUFFER_CHANGED"
        loser = next(name for name, each in zip(names, outcomes, strict=True) if each is lost)
        current = await get(stage, opened.buffer_id)
        assert current.revision == buffer.revision + 1
        buffer = await edit(other, current, [(len(current.text), len(current.text), loser)])
    async with follow(other, editor.session_id) as device:
        await device.until(lambda each: each.event.revision == buffer.revision)
        assert device.types == ["OPENED", *["EDITED"] * 10]
        await asyncio.gather(*(_write(at, opened.buffer_id) for at in (stage, other) for _ in range(3)))
        await device.until(lambda _: device.types.count("SAVED") == 6)
    assert "CHANGED_OUTSIDE" not in device.types  # a save is no change outside, whoever looks while it is under way
    words = (await get(stage, opened.buffer_id)).text.split()
    assert sorted(words) == sorted([f"{who}{turn}" for who in "ab" for turn in range(5)])


async def test_unsaved_text_outlives_kills_of_service_and_runner_also_within_a_save(stage: Stage) -> None:
    """What an edit answered is there after the next start. A save that died after its write is found to be saved."""
    editor = await Editor.open(stage)
    opened = await editor.buffer("kill.txt", "old")
    await edit(stage, opened, "new")
    await stage.kill_service()
    await stage.kill_runner()
    assert passed_by("editors", 1) == ["editors.after_write"]  # each place of editors is passed here
    await stage.start_service(FAULT="editors.after_write:1:kill")
    assert await unsaved(stage) == ["kill.txt"]
    assert (await editor.buffer("kill.txt")).text == "new"  # also while the room is away
    assert (await stage.get(editor.session_id)).state == Session.ACTIVE
    await stage.start_runner()
    with pytest.raises(grpc.aio.AioRpcError):
        await save(stage, opened)
    await stage.service.wait()
    assert (stage.files / "kill.txt").read_text() == "new"
    await stage.start_service()
    assert await unsaved(stage) == ["kill.txt"]
    async with follow(stage, editor.session_id) as device:
        await device.event(EditorEvent.SAVED)
    assert await unsaved(stage) == []
    assert device.types == ["OPENED", "EDITED", "SAVED"]


async def test_change_outside_by_a_shell_is_told_and_kept_from_being_overwritten(stage: Stage) -> None:
    """A shell in the room writes, deletes and restores the file; a save is refused until the caller decides."""
    editor = await Editor.open(stage)
    opened = await editor.buffer("out.txt", "mine\n")
    async with follow(stage, editor.session_id) as device:
        await device.event(EditorEvent.OPENED)
        await _shell(stage, "echo theirs > out.txt")
        told = await device.event(EditorEvent.CHANGED_OUTSIDE)
        assert (told.path, told.user_id, told.file_etag != opened.file_etag) == ("out.txt", "", True)
        edited = await edit(stage, opened, "more of mine\n")
        assert edited.outside == EditorBuffer.CHANGED
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await save(stage, edited)
        assert reason(refused.value) == "FILE_CHANGED_OUTSIDE"
        assert (stage.files / "out.txt").read_text() == "theirs\n"
        assert (await save(stage, edited, overwrite=True)).outside == 0
        assert (stage.files / "out.txt").read_text() == "more of mine\n"
        await _shell(stage, "rm out.txt")
        await device.event(EditorEvent.DELETED_OUTSIDE)
        assert await unsaved(stage) == ["out.txt"]
        await _shell(stage, "echo more of mine > out.txt")
        await device.event(EditorEvent.RESTORED_OUTSIDE)
    assert await unsaved(stage) == []
    events = await stage.events(opened.buffer_id)
    assert events == [
        *("opened", "changed_outside", "save_started", "save_failed", "save_started", "saved"),
        *("deleted_outside", "restored_outside"),
    ]


async def test_change_outside_while_nobody_looks_is_told_to_who_comes_next(stage: Stage) -> None:
    """Watching costs nothing without a follower; the first look finds it, and reverting takes the file's text."""
    editor = await Editor.open(stage)
    opened = await editor.buffer("later.txt", "one")
    (stage.files / "later.txt").write_text("two")
    async with follow(stage, editor.session_id) as device:
        await device.event(EditorEvent.CHANGED_OUTSIDE)
    reverted = await stage.call("RevertBuffer", pb.RevertBufferRequest(buffer_id=opened.buffer_id, base_revision=1))
    assert (reverted.text, reverted.revision, reverted.outside, reverted.unsaved) == ("two", 2, 0, False)


async def test_cursors_are_shown_to_other_devices_and_kept_in_no_log(stage: Stage) -> None:
    """Only the newest place of each device, also to one that comes later."""
    editor = await Editor.open(stage)
    opened = await editor.buffer("cursor.txt", "some text")
    async with follow(stage, editor.session_id) as device:
        for head in (3, 7):
            await stage.call(
                "MoveCursor", pb.MoveCursorRequest(buffer_id=opened.buffer_id, device="laptop", anchor=2, head=head)
            )
        told = await device.until(lambda each: any(cursor.head == 7 for cursor in each.cursors.cursors))
    assert told.sequence == 1
    assert {(cursor.device, cursor.anchor, cursor.person) for cursor in told.cursors.cursors} == {("laptop", 2, "Ada")}
    assert [row["type"] for row in await stage.rows("session_events", "sequence, type")] == [11]


async def test_terminated_editor_leaves_unsaved_text_that_is_recovered_or_discarded(stage: Stage) -> None:
    """Buffers that equal their files close; the others are listed, and go into another editor, or away on request."""
    editor = await Editor.open(stage)
    clean = await editor.buffer("clean.txt", "clean")
    kept = await edit(stage, await editor.buffer("kept.txt", "old"), "kept")
    gone = await edit(stage, await editor.buffer("gone.txt", "old"), "gone")
    async with follow(stage, editor.session_id) as device:
        await device.event(EditorEvent.OPENED)
        await editor.terminate()
        await device.end()
    ended = await stage.get(editor.session_id)
    assert (ended.state, ended.stop_reason, ended.log_complete) == (Session.STOPPED, Session.TERMINATED, True)
    assert await unsaved(stage) == ["gone.txt", "kept.txt"]
    assert (await get(stage, clean.buffer_id)).HasField("close_time")
    assert await _refused(edit(stage, kept, "more")) == "SESSION_NOT_ACTIVE"
    close = pb.CloseBufferRequest(buffer_id=gone.buffer_id)
    assert await _refused(stage.call("CloseBuffer", close)) == "BUFFER_UNSAVED"
    close.discard = True
    assert (await stage.call("CloseBuffer", close)).size_bytes == 4
    assert (await get(stage, gone.buffer_id)).text == ""
    next_editor = await Editor.open(stage)
    await stage.call(
        "RecoverBuffer", pb.RecoverBufferRequest(buffer_id=kept.buffer_id, session_id=next_editor.session_id)
    )
    await save(stage, kept)
    assert (stage.files / "kept.txt").read_text() == "kept"


async def test_restarted_editor_has_the_unsaved_buffers_of_the_one_before(stage: Stage) -> None:
    """Start again here: without being asked, and with the file as it was opened, so that a save works."""
    editor = await Editor.open(stage)
    kept = await edit(stage, await editor.buffer("again.txt", "old"), "again")
    await editor.terminate()
    request = lifecycle_service_pb2.RestartSessionRequest(session_id=editor.session_id)
    again = (await stage.call("RestartSession", request)).session
    moved = await get(stage, kept.buffer_id)
    assert (again.restarted_from, moved.session_id, moved.text) == (editor.session_id, again.session_id, "again")
    await save(stage, moved)
    assert (stage.files / "again.txt").read_text() == "again"


@pytest.mark.parametrize("how", ["archived", "deleted"])
async def test_workspace_put_away_ends_its_editors_and_keeps_their_text(stage: Stage, how: str) -> None:
    """Nothing needs the room: the text is listed and read, and goes into an editor of another workspace."""
    editor = await Editor.open(stage)
    kept = await edit(stage, await editor.buffer("away.txt", "old"), "text of a room that is gone")
    stage.workspace.refusal = refusal(NotFound, "WORKSPACE_NOT_FOUND")
    async with running(stage.workspace_service.relay.run):
        await stage.workspace.put_away(stage.workspace_service, how)
        ended = await stage.ended(editor.session_id)
    assert session_pb2.Session.StopReason.Name(ended.stop_reason) == f"WORKSPACE_{how.upper()}"
    assert (await get(stage, kept.buffer_id)).text == "text of a room that is gone"
    stage.workspace.refusal, before = None, stage.workspace.workspace_id
    stage.workspace.workspace_id = ids.new()
    (stage.files / "away.txt").unlink()
    try:
        elsewhere = await Editor.open(stage)
        request = pb.RecoverBufferRequest(buffer_id=kept.buffer_id, session_id=elsewhere.session_id)
        recovered = await stage.call("RecoverBuffer", request)
        assert (recovered.workspace_id, recovered.file_etag) == (str(stage.workspace.workspace_id), "")
        await save(stage, recovered)
        await elsewhere.terminate()
    finally:
        stage.workspace.workspace_id = before
    assert (stage.files / "away.txt").read_text() == "text of a room that is gone"


async def test_open_and_save_refuse_what_is_no_text_or_no_place(stage: Stage) -> None:
    """With a reason each, and nothing is left behind; a file that is not there is made by the first save."""
    editor = await Editor.open(stage)
    (stage.files / "bytes").write_bytes(b"\xff\xfe")
    (stage.files / "zero").write_bytes(b"a\0b")
    (stage.files / "large").write_bytes(b"a" * (2 * 1024 * 1024 + 1))
    (stage.files / "folder").mkdir()
    (stage.files / "link").symlink_to("zero")
    wrong = {
        "bytes": "NOT_TEXT",
        "zero": "NOT_TEXT",
        "large": "BUFFER_TOO_LARGE",
        "folder": "NOT_A_REGULAR_FILE",
        "link": "INVALID_FIELD",
        "../up": "PATH_OUTSIDE_WORKSPACE",
        "/etc/passwd": "PATH_OUTSIDE_WORKSPACE",
        "a//b": "INVALID_PATH",
        "absent": "FILE_NOT_FOUND",
    }
    for path, expected in wrong.items():
        assert await _refused(editor.buffer(path)) == expected
    assert not (await stage.rows("editor_buffers"))
    new = await editor.buffer("new.txt", allow_missing=True)
    assert (new.text, new.file_etag, new.unsaved) == ("", "", False)
    assert await _refused(edit(stage, new, [(0, 1, "beyond")])) == "INVALID_FIELD"
    assert await _refused(edit(stage, new, [])) == "INVALID_FIELD"
    await save(stage, await edit(stage, new, "new"))
    assert (stage.files / "new.txt").read_text() == "new"
    assert (await editor.buffer("new.txt")).buffer_id == new.buffer_id


async def test_repeated_calls_do_once_what_they_do(stage: Stage) -> None:
    """The same request id again: no second edit, no second buffer, and a save that answers as the first did."""
    editor = await Editor.open(stage)
    request_id, edit_id, save_id = (str(ids.new()) for _ in range(3))
    opened = await editor.buffer("twice.txt", "a", request_id=request_id)
    assert (await editor.buffer("twice.txt", request_id=request_id)).buffer_id == opened.buffer_id
    for _ in range(2):
        assert (await edit(stage, opened, [(1, 1, "b")], request_id=edit_id)).revision == 2
    await save(stage, opened, request_id=save_id)
    (stage.files / "twice.txt").write_text("theirs")
    await save(stage, opened, request_id=save_id)
    assert (stage.files / "twice.txt").read_text() == "theirs"


async def test_editor_takes_no_part_in_what_needs_a_process(stage: Stage) -> None:
    """It has nothing to attach to, to share, to mask or to run, and says so; exports and statistics know it."""
    editor = await Editor.open(stage)
    buffer = await editor.buffer("part.txt", "a")
    known = {"session_id": editor.session_id}
    link = sharing_service_pb2.ShareLink(session_id=editor.session_id)
    assert await _refused(stage.output(editor.session_id)) == "EDITOR_SESSION"
    for method, request in (
        ("CreateShareLink", sharing_service_pb2.CreateShareLinkRequest(share_link=link)),
        ("WriteSession", session_service_pb2.WriteSessionRequest(data=b"a", **known)),
    ):
        assert await _refused(stage.call(method, request)) in {"EDITOR_SESSION", "SESSION_WITHOUT_TERMINAL"}
    assert await _refused(stage.create(kind=Session.EDITOR, command=["true"], environment={})) == "INVALID_FIELD"
    assert await _refused(stage.create(kind=Session.EDITOR)) == "INVALID_FIELD"
    await stage.call("PauseSession", lifecycle_service_pb2.PauseSessionRequest(**known))
    assert await _refused(edit(stage, buffer, "b")) == "SESSION_NOT_ACTIVE"
    await stage.call("ResumeSession", lifecycle_service_pb2.ResumeSessionRequest(**known))
    assert (await edit(stage, buffer, "b")).revision == 2
    counts = await stage.call("GetSessionStatistics", lifecycle_service_pb2.GetSessionStatisticsRequest())
    assert [(each.kind, each.count) for each in counts.by_kind] == [(Session.EDITOR, 1)]
    terminal = await stage.create()
    async with follow(stage, terminal.session_id) as device:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await device.event(EditorEvent.OPENED)
    assert reason(refused.value) == "NO_EDITOR"
