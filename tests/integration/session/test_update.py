"""What people say of sessions, and that they are at work."""

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from stateroom.session.v1 import attach_pb2, session_pb2, update_pb2
from stateroom.session.v1 import session_service_pb2 as pb

from chassis import ids
from tests.support.screens import attach
from tests.support.source import query
from tests.support.stage import Stage, reason
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

Session = session_pb2.Session


async def test_update_session_changes_title_and_metadata_of_what_was_read(stage: Stage) -> None:
    """Once for one request id, not without the etag, not over somebody else's change, and no other field."""
    session = await stage.create(title="first", metadata={"ticket": "41"}, timeout={"seconds": 600})
    assert (session.title, dict(session.metadata)) == ("first", {"ticket": "41"})
    wanted = Session(title="release", metadata={"ticket": "42"})
    request = update_pb2.UpdateSessionRequest(
        session_id=session.session_id, session=wanted, etag=session.etag, request_id=str(ids.new())
    )
    updated = await stage.call("UpdateSession", request)
    assert (updated.title, dict(updated.metadata)) == ("release", {"ticket": "42"})
    assert (await stage.call("UpdateSession", request)).etag == updated.etag
    assert (await stage.get(session.session_id)).timeout == session.timeout
    refusals = {
        "ETAG_MISMATCH": update_pb2.UpdateSessionRequest(session=Session(title="late"), etag=session.etag),
        "ETAG_REQUIRED": update_pb2.UpdateSessionRequest(session=Session(title="blind")),
        "INVALID_FIELD": update_pb2.UpdateSessionRequest(session=Session(columns=1), etag="*"),
    }
    for expected, refusal in refusals.items():
        refusal.session_id = session.session_id
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stage.call("UpdateSession", refusal)
        assert reason(refused.value) == expected
    due = await stage.rows("sessions", "reconcile_time = create_time + timeout AS kept")
    assert [row["kept"] for row in due] == [True]
    await stage.type(session.session_id, "exit")
    await stage.ended(session.session_id)
    cleared = update_pb2.UpdateSessionRequest(
        session_id=session.session_id, session=Session(), update_mask=FieldMask(paths=["title"]), etag="*"
    )
    assert (await stage.call("UpdateSession", cleared)).title == "bash"


async def test_report_activity_notes_many_at_once_or_none(stage: Stage) -> None:
    """Live sessions are noted, ended ones are not; with an unknown one among them nothing is. No row changes."""
    live = [(await stage.create()).session_id for _ in range(2)]
    ended = (await stage.create()).session_id
    await stage.type(ended, "exit")
    await stage.ended(ended)
    await query(stage.installation.admin_url, "UPDATE session.session_heads SET last_activity_time = '2020-01-01Z'")
    rows = await stage.rows("sessions", "session_id, xmin::text, *")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.call("ReportActivity", update_pb2.ReportActivityRequest(session_ids=[*live, str(ids.new())]))
    assert reason(refused.value) == "SESSION_NOT_FOUND"
    assert await _busy(stage) == set()
    request = update_pb2.ReportActivityRequest(session_ids=[*live, ended, live[0]], request_id=str(ids.new()))
    for _ in range(2):
        assert list((await stage.call("ReportActivity", request)).session_ids) == live
    assert await _busy(stage) == set(live)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.call("ReportActivity", update_pb2.ReportActivityRequest(session_ids=live), ids.new())
    assert reason(refused.value) == "SESSION_NOT_FOUND"
    assert await stage.rows("sessions", "session_id, xmin::text, *") == rows


async def test_typing_notes_activity_beside_the_sessions_row(stage: Stage) -> None:
    """A hundred keys are activity, and not one write of the session's row."""
    session = await stage.create()
    before = await stage.rows("sessions", "xmin::text, version")
    async with attach(stage, session.session_id, role=attach_pb2.CONTROLLER) as screen:
        await screen.type("stty -echo; cat >/dev/null; echo\n")
        await screen.until(b"\n")
        await query(stage.installation.admin_url, "UPDATE session.session_heads SET last_activity_time = '2020-01-01Z'")
        for _ in range(100):
            await screen.type("x")

        async def noted() -> bool:
            return await _busy(stage) == {session.session_id}

        await until(noted)
    assert await stage.rows("sessions", "xmin::text, version") == before


async def _busy(stage: Stage) -> set[str]:
    listed = await stage.call("ListSessions", pb.ListSessionsRequest())
    return {found.session_id for found in listed.sessions if found.last_activity_time.ToDatetime().year > 2020}
