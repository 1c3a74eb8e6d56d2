"""Sessions that somebody deletes: out of sight, brought back, and gone with their logs."""

from functools import partial

import grpc
import pytest
from stateroom.session.v1 import deletion_service_pb2 as pb
from stateroom.session.v1 import editor_service_pb2 as editor_pb
from stateroom.session.v1 import (
    history_service_pb2,
    lifecycle_service_pb2,
    session_pb2,
    session_service_pb2,
    sharing_service_pb2,
    update_pb2,
)
from stateroom.session.v1.history_service_pb2_grpc import HistoryServiceStub

from chassis import ids
from services.session.deletion import operations
from tests.support.editors import Editor, edit, get, unsaved
from tests.support.source import query
from tests.support.stage import Stage, reason
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

Session = session_pb2.Session
OF_SESSIONS = ("sessions", "session_heads", "session_controls", "session_events", "session_screens", "share_links")
"""Tables that have rows of an ended session with a share link."""


async def _ended(stage: Stage, line: str = "echo needle; exit") -> Session:
    """Return a session that ended, and of which its runner has nothing any more."""
    session_id = (await stage.create()).session_id
    await stage.type(session_id, line)
    await stage.ended(session_id)

    async def released() -> bool:
        heads = await stage.rows("session_heads", "session_id, reconcile_time")
        return any(str(head["session_id"]) == session_id and head["reconcile_time"] is None for head in heads)

    await until(released)
    return await stage.get(session_id)


async def _delete(stage: Stage, session_id: str, **wishes: object) -> Session:
    request = pb.DeleteSessionRequest(session_id=session_id, **wishes)  # type: ignore[arg-type]  # its fields
    deleted: Session = await stage.call("DeleteSession", request)
    return deleted


async def _undelete(stage: Stage, session_id: str) -> Session:
    kept: Session = await stage.call("UndeleteSession", pb.UndeleteSessionRequest(session_id=session_id))
    return kept


async def _listed(stage: Stage, *, show_deleted: bool = False) -> list[str]:
    request = session_service_pb2.ListSessionsRequest(show_deleted=show_deleted)
    return [session.session_id for session in (await stage.call("ListSessions", request)).sessions]


async def _found(stage: Stage) -> int:
    """Return how many lines a search in all sessions finds."""
    request = history_service_pb2.SearchOutputRequest(query="needle")
    found = await HistoryServiceStub(stage.channel).SearchOutput(request, metadata=stage.bearer())
    return len(found.matches)


async def _share(stage: Stage, session_id: str) -> str:
    """Return the secret of a new link to a session."""
    link = sharing_service_pb2.ShareLink(session_id=session_id)
    made = await stage.call("CreateShareLink", sharing_service_pb2.CreateShareLinkRequest(share_link=link))
    return str(made.secret)


async def test_delete_session_hides_it_until_it_is_brought_back(stage: Stage) -> None:
    """Out of lists, counts and searches; its log is there by its id; its link is over, and works again after."""
    session = await _ended(stage)
    secret, log = await _share(stage, session.session_id), await stage.output(session.session_id)
    deleted = await _delete(stage, session.session_id, etag=session.etag)
    assert (deleted.purge_time.ToDatetime() - deleted.delete_time.ToDatetime()).days == 30
    assert deleted.deleted_by
    assert await stage.get(session.session_id) == deleted
    assert await stage.output(session.session_id) == log
    assert await _listed(stage) == []
    assert await _listed(stage, show_deleted=True) == [session.session_id]
    assert await _found(stage) == 0
    counts = await stage.call("GetSessionStatistics", lifecycle_service_pb2.GetSessionStatisticsRequest())
    assert counts.total == 0
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.call("OpenShareLink", sharing_service_pb2.OpenShareLinkRequest(secret=secret))
    assert reason(refused.value) == "SHARE_LINK_OVER"

    kept = await _undelete(stage, session.session_id)
    assert not kept.HasField("delete_time")
    assert await _listed(stage) == [session.session_id]
    assert await _found(stage) > 0
    assert (await stage.call("OpenShareLink", sharing_service_pb2.OpenShareLinkRequest(secret=secret))).ticket
    assert (await stage.events(session.session_id))[-2:] == ["deleted", "undeleted"]
    assert not await stage.rows("session_purges")


async def test_delete_session_that_lives_needs_force_and_ends_it(stage: Stage) -> None:
    """It is out of sight at once, and its end comes as by TerminateSession."""
    session_id = (await stage.create()).session_id
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _delete(stage, session_id)
    assert reason(refused.value) == "SESSION_NOT_ENDED"
    assert not (await stage.get(session_id)).HasField("delete_time")
    await _delete(stage, session_id, force=True)
    assert await _listed(stage) == []
    ended = await stage.ended(session_id)
    assert (ended.stop_reason, ended.HasField("delete_time")) == (Session.TERMINATED, True)


async def test_deleted_session_takes_no_changes_and_is_not_opened_again(stage: Stage) -> None:
    """Nor is it deleted twice, nor brought back when it is there; the same request repeated is answered."""
    session_id, request_id = (await _ended(stage)).session_id, str(ids.new())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _undelete(stage, session_id)
    assert reason(refused.value) == "SESSION_NOT_DELETED"
    request = pb.DeleteSessionRequest(session_id=session_id, request_id=request_id)
    assert await stage.call("DeleteSession", request) == await stage.call("DeleteSession", request)
    link = sharing_service_pb2.ShareLink(session_id=session_id)
    for method, refused_request in (
        ("DeleteSession", pb.DeleteSessionRequest(session_id=session_id)),
        ("RestartSession", lifecycle_service_pb2.RestartSessionRequest(session_id=session_id)),
        ("CreateShareLink", sharing_service_pb2.CreateShareLinkRequest(share_link=link)),
        ("UpdateSession", update_pb2.UpdateSessionRequest(session_id=session_id, session=Session(title="x"), etag="*")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stage.call(method, refused_request)
        assert reason(refused.value) == "SESSION_NOT_FOUND", method


async def test_session_whose_time_is_up_is_purged_with_its_log(stage: Stage) -> None:
    """Then it is as one that never was, although its log takes several batches; others keep theirs."""
    gone, later = await _ended(stage), await _ended(stage)
    await _share(stage, gone.session_id)
    await _fill(stage, gone.session_id, operations.RECORDS * 2)
    for each in (gone, later):
        await _delete(stage, each.session_id)
    url = stage.installation.admin_url
    await query(url, "UPDATE session.sessions SET purge_time = now() WHERE session_id = $1", gone.session_id)
    await query(url, "UPDATE session.session_purges SET reconcile_time = now()")

    async def purged() -> bool:
        return [str(row["session_id"]) for row in await stage.rows("session_purges")] == [later.session_id]

    await until(purged)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.get(gone.session_id)
    assert reason(refused.value) == "SESSION_NOT_FOUND"
    for table in OF_SESSIONS:
        left = {str(row["session_id"]) for row in await stage.rows(table)}
        assert left <= {later.session_id}, table
    assert b"needle" in await stage.output(later.session_id)
    assert (await stage.events(gone.session_id)).count("purged") == 1


async def test_editor_with_unsaved_text_is_not_purged_until_somebody_takes_it(stage: Stage) -> None:
    """Only a person discards it: until then it is listed, and recovered into another editor."""
    kept, url = await Editor.open(stage), stage.installation.admin_url
    buffer = await edit(stage, await kept.buffer("draft.txt", "one\n"), "two\n")
    await _delete(stage, kept.session_id, force=True)
    await query(url, "UPDATE session.sessions SET purge_time = now() WHERE session_id = $1", kept.session_id)

    async def purge(attempts: int) -> bool:
        """Have it looked at; whether that was done so often, or it is gone."""
        rows = await stage.rows("session_purges", "session_id, reconcile_attempts")
        mine = [row["reconcile_attempts"] for row in rows if str(row["session_id"]) == kept.session_id]
        hurry = "UPDATE session.session_purges SET reconcile_time = now() WHERE session_id = $1"
        await query(url, hurry, kept.session_id)
        return not mine or mine[0] >= attempts

    await until(partial(purge, 2))
    assert "draft.txt" in await unsaved(stage)
    target = (await Editor.open(stage)).session_id
    request = editor_pb.RecoverBufferRequest(buffer_id=buffer.buffer_id, session_id=target)
    recovered = await stage.call("RecoverBuffer", request)
    assert (await get(stage, recovered.buffer_id)).text == "two\n"
    await until(partial(purge, 1_000_000))


async def test_session_that_its_runner_still_has_is_not_purged(stage: Stage) -> None:
    """Or its runner would keep a terminal that nobody ever drops."""
    session_id = (await _ended(stage)).session_id
    await _delete(stage, session_id)
    url = stage.installation.admin_url
    held = "UPDATE session.session_heads SET reconcile_time = now() + interval '1 hour' WHERE session_id = $1"
    await query(url, held, session_id)
    await query(url, "UPDATE session.sessions SET purge_time = now() WHERE session_id = $1", session_id)
    await query(url, "UPDATE session.session_purges SET reconcile_time = now() WHERE session_id = $1", session_id)

    async def looked_at() -> bool:
        (row,) = await stage.rows(
            "session_purges", "reconcile_attempts, reconcile_time > now() + interval '20s' AS due"
        )
        return bool(row["reconcile_attempts"] and row["due"])

    await until(looked_at)
    assert (await stage.get(session_id)).HasField("purge_time")


async def _fill(stage: Stage, session_id: str, count: int) -> None:
    """Give a log more records, as if the session had printed a lot."""
    statement = """
        INSERT INTO session.session_events
            (session_id, sequence, account_id, "offset", time, type, data, columns, rows, reason)
        SELECT session_id, head_sequence + number, account_id, head_offset, now(), 1, '', 0, 0, ''
        FROM session.session_heads, generate_series(1, $2) AS number WHERE session_id = $1
    """
    await query(stage.installation.admin_url, statement, session_id, count)
