"""Sessions end when nothing works in them, and are told before; what works, or may work, stays."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from stateroom.session.v1 import idle_service_pb2 as pb
from stateroom.session.v1 import lifecycle_service_pb2, session_pb2, update_pb2

from chassis import ids
from tests.support.editors import Editor, edit, unsaved
from tests.support.screens import attach
from tests.support.source import query
from tests.support.stage import Stage, reason
from tests.support.talks import Talk
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

ADMIN = 3
SILENT_WORK = "while :; do for i in {1..2000}; do :; done; sleep 0.1; done"
Session = session_pb2.Session
Verdict = pb.CleanUpIdleSessionsResponse.Verdict


async def _set(stage: Stage, etag: str = "*", paths: tuple[str, ...] = (), **values: Any) -> pb.IdlePolicy:
    """Change the policy; times are in seconds."""
    policy = pb.IdlePolicy(off=bool(values.get("off")))
    for name in values.keys() - {"off"}:
        getattr(policy, name).FromSeconds(values[name])
    mask = FieldMask(paths=paths or tuple(values))
    request = pb.UpdateIdlePolicyRequest(idle_policy=policy, update_mask=mask, etag=etag)
    changed: pb.IdlePolicy = await stage.call("UpdateIdlePolicy", request, role=ADMIN)
    return changed


async def _clean_up(stage: Stage, *, dry_run: bool) -> Mapping[str, str]:
    """Return the verdict on each session."""
    done = await stage.call("CleanUpIdleSessions", pb.CleanUpIdleSessionsRequest(dry_run=dry_run))
    return {finding.session_id: Verdict.Name(finding.verdict) for finding in done.findings}


async def _age(stage: Stage, *session_ids: str, minutes: int = 61) -> None:
    """Have nothing worked in sessions for an hour or so, once their processor time is known."""

    async def known() -> bool:
        rows = await stage.rows("session_idleness", "session_id, cpu_milliseconds")
        return {str(row["session_id"]) for row in rows if row["cpu_milliseconds"] is not None} >= set(session_ids)

    await until(known)
    for table, column in (("session_heads", "last_activity_time"), ("session_idleness", "cpu_time")):
        earlier = f"UPDATE session.{table} SET {column} = {column} - $2::interval WHERE session_id = ANY($1::uuid[])"  # noqa: S608  # ours
        await query(stage.installation.admin_url, earlier, list(session_ids), timedelta(minutes=minutes))


async def test_idle_session_is_warned_and_ends_and_one_that_works_in_silence_stays(stage: Stage) -> None:
    """Devices read when; nobody has to type into what uses the processor; an end for idleness is told as such."""
    idle, busy = (await stage.create()).session_id, (await stage.create()).session_id
    await stage.type(busy, SILENT_WORK)
    async with attach(stage, idle) as screen:
        await _set(stage, idle_after=3, warning=1)
        while not (warned := await screen.until_told("condition")).HasField("idle_end_time"):
            await screen.step()
        ended = await screen.until_told("ended")
    session = await stage.get(idle)
    assert (session.state, ended.stop_reason, session.stop_reason) == (Session.STOPPED, Session.IDLE, Session.IDLE)
    assert session.end_time.ToMilliseconds() >= warned.idle_end_time.ToMilliseconds()
    assert not session.HasField("idle_end_time")
    assert await stage.events(idle) == ["created", "started", "idle_warned", "stop_requested", "stopped"]
    assert not (await stage.get(busy)).HasField("end_time")


async def test_session_that_works_after_its_warning_lives_on(stage: Stage) -> None:
    """A report of activity is enough, and the warning is taken back."""
    session_id = (await stage.create()).session_id
    await _age(stage, session_id, minutes=57)
    await _set(stage, warning=300)  # which has all sessions looked at

    async def warned() -> bool:
        return (await stage.get(session_id)).HasField("idle_end_time")

    await until(warned)
    await stage.call("ReportActivity", update_pb2.ReportActivityRequest(session_ids=[session_id]))
    await _set(stage, warning=299)

    async def lifted() -> bool:
        return not await warned()

    await until(lifted)
    assert (await stage.events(session_id))[-2:] == ["idle_warned", "idle_warning_lifted"]


async def test_editor_in_which_nobody_edits_ends_and_keeps_its_unsaved_text(stage: Stage) -> None:
    """Edits are work, so it lived until now; no runner is asked, and what was typed is there afterwards."""
    editor, other = await Editor.open(stage), await Editor.open(stage)
    buffer = await edit(stage, await editor.buffer("idle.txt", "old"), "unsaved")
    await _age(stage, editor.session_id, other.session_id)
    await edit(stage, buffer, "still unsaved")
    await stage.kill_runner()
    verdicts = await _clean_up(stage, dry_run=True)
    assert verdicts == {editor.session_id: "WORKED", other.session_id: "ENDS"}
    await _age(stage, editor.session_id)
    await _clean_up(stage, dry_run=False)
    assert (await stage.ended(editor.session_id)).stop_reason == Session.IDLE
    assert await unsaved(stage) == ["idle.txt"]


async def test_agent_that_waits_for_what_it_started_is_at_work(stage: Stage) -> None:
    """Its terminal is a session of its own, whose work counts for both."""
    talk = await Talk.open(stage, mode="trust")
    await talk.prompt("run while :; do :; done")
    await talk.until("terminal")
    await _age(stage, talk.session_id)
    aged = (await stage.get(talk.session_id)).last_activity_time.ToSeconds()
    await _set(stage, warning=299)  # which has all sessions looked at
    await until(partial(_at_work, stage, talk.session_id, aged + 3600))


async def test_agent_that_waits_for_an_answer_is_at_work(stage: Stage) -> None:
    """Whoever is asked may be away for longer than an idle session lives."""
    talk = await Talk.open(stage)
    await talk.prompt("edit notes.txt text")
    await until(partial(_is_noted, talk))
    await _age(stage, talk.session_id)
    aged = (await stage.get(talk.session_id)).last_activity_time.ToSeconds()
    await _set(stage, warning=298)  # which has all sessions looked at
    await until(partial(_at_work, stage, talk.session_id, aged + 3600))


async def _is_noted(talk: Talk) -> bool:
    return bool(await talk.permissions())


async def _at_work(stage: Stage, session_id: str, since: int) -> bool:
    return (await stage.get(session_id)).last_activity_time.ToSeconds() > since


async def test_clean_up_idle_sessions_says_why_and_ends_only_without_dry_run(stage: Stage) -> None:
    """One of each kind: idle, fresh, at work, paused; a rehearsal changes nothing, and who is idle ends as IDLE."""
    idle, fresh, busy, paused = [(await stage.create()).session_id for _ in range(4)]
    await stage.call("PauseSession", lifecycle_service_pb2.PauseSessionRequest(session_id=paused))
    await stage.type(busy, SILENT_WORK)
    await stage.printed(busy, b"done\r\n")
    await _age(stage, idle, busy)
    expected = {idle: "ENDS", fresh: "WORKED", busy: "USES_CPU", paused: "PAUSED"}

    async def as_expected() -> bool:  # the kernel counts processor time in steps of 10 ms
        return await _clean_up(stage, dry_run=True) == expected

    await until(as_expected)
    assert not (await stage.get(idle)).HasField("end_time")
    assert await _clean_up(stage, dry_run=False) == expected
    assert (await stage.ended(idle)).stop_reason == Session.IDLE
    assert not [each for each in (fresh, busy, paused) if (await stage.get(each)).HasField("end_time")]
    await _set(stage, off=True)
    assert set((await _clean_up(stage, dry_run=False)).values()) == {"POLICY_IS_OFF"}


async def test_update_idle_policy_is_kept_by_account_and_version(stage: Stage) -> None:
    """That of the installation until it is changed; an old version and a senseless warning are refused."""
    usual = await stage.call("GetIdlePolicy", pb.GetIdlePolicyRequest())
    assert (usual.off, usual.idle_after.seconds, usual.warning.seconds) == (False, 3600, 300)
    changed = await _set(stage, usual.etag, idle_after=7200)
    assert (changed.idle_after.seconds, changed.warning.seconds) == (7200, 300)
    assert await stage.call("GetIdlePolicy", pb.GetIdlePolicyRequest()) == changed
    back = await _set(stage, changed.etag, paths=("idle_after",))
    assert back.idle_after.seconds == 3600
    wrong: list[tuple[str, str, dict[str, Any]]] = [
        ("ETAG_MISMATCH", changed.etag, {"off": True}),
        ("INVALID_FIELD", "*", {"warning": 3600}),
    ]
    for expected, etag, values in wrong:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await _set(stage, etag, **values)
        assert reason(refused.value) == expected
    with pytest.raises(grpc.aio.AioRpcError) as low:
        await stage.call("UpdateIdlePolicy", pb.UpdateIdlePolicyRequest(idle_policy=usual, etag="*"))
    assert reason(low.value) == "ROLE_TOO_LOW"
    other = await stage.call("GetIdlePolicy", pb.GetIdlePolicyRequest(), account_id=ids.new())
    assert not other.HasField("update_time")
