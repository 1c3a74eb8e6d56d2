"""Logs that are let go by the month."""

from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import grpc
import pytest
from stateroom.event.v1 import change_pb2
from stateroom.session.v1 import history_service_pb2 as pb
from stateroom.session.v1 import log_pb2
from stateroom.session.v1.history_service_pb2_grpc import HistoryServiceStub

from chassis import ids
from services.session.history.domain import LogMonth
from tests.support.source import query
from tests.support.stage import Stage, reason
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

_MOVE = """
SET search_path = session;
SELECT ensure_session_events_partition('{month}');
UPDATE sessions SET session_id = '{old}' WHERE session_id = '{new}';
UPDATE session_heads SET session_id = '{old}' WHERE session_id = '{new}';
UPDATE session_events SET session_id = '{old}' WHERE session_id = '{new}';
"""
_REVIVE = """
SET session_replication_role = replica; -- no trigger
UPDATE session.sessions SET state = 'STARTING', end_time = NULL, stop_reason = NULL WHERE session_id = '{session_id}';
"""


async def _session_of(stage: Stage, month: datetime) -> str:
    """Return an ended session whose id says that it was created in an earlier month."""
    session = await stage.create()
    await stage.type(session.session_id, "echo old; exit")
    await stage.ended(session.session_id)
    milliseconds = int((month + timedelta(days=3)).timestamp() * 1000)
    new = UUID(session.session_id)
    old = UUID(int=milliseconds << 80 | new.int & (1 << 80) - 1)
    await until(lambda: _released(stage, session.session_id))
    connection = await asyncpg.connect(stage.installation.admin_url)
    await connection.execute(_MOVE.format(month=month.isoformat(), old=old, new=new))
    await connection.close()
    return str(old)


async def _released(stage: Stage, session_id: str) -> bool:
    heads = await stage.rows("session_heads", "session_id, reconcile_time")
    return any(str(head["session_id"]) == session_id and head["reconcile_time"] is None for head in heads)


async def _months(stage: Stage) -> set[str]:
    rows = await query(
        stage.installation.admin_url,
        "SELECT right(relname, 7) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent = 'session.session_events'::regclass",
    )
    return {row[0] for row in rows}


async def _restarted(stage: Stage, **settings: str) -> None:
    await stage.kill_service()
    await stage.start_service(wait=True, **settings)


async def test_month_of_logs_that_is_over_is_let_go_and_told(stage: Stage) -> None:
    """It goes as a whole, as a change with counts; what is asked of it later says why there is nothing."""
    old = await _session_of(stage, datetime(2025, 3, 1, tzinfo=UTC))
    (stored,) = [row for row in await stage.rows("session_heads") if str(row["session_id"]) == old]
    await _restarted(stage, LOG_MONTHS="1", LOG_DRY_RUN="true")
    assert b"old" in await stage.output(old)
    await _restarted(stage, LOG_MONTHS="1")

    async def gone() -> bool:
        return "2025_03" not in await _months(stage)

    await until(gone)
    assert len(await _months(stage)) >= 2
    (month,) = await stage.rows("log_months", "session_count, record_count, output_bytes")
    assert tuple(month) == (1, stored["head_sequence"], stored["head_offset"])
    headers = [change_pb2.ChangeHeader.FromString(row["header"]) for row in await _changes(stage)]
    (told,) = [header for header in headers if header.entity_type == "log_month"]
    assert (told.type, told.actor_id) == ("expired", "service:session")
    await _check_refusals(stage, old)


async def _changes(stage: Stage) -> list[asyncpg.Record]:
    return [*await stage.rows("outbox", "header"), *await stage.rows("changes", "header")]


async def _check_refusals(stage: Stage, session_id: str) -> None:
    history = HistoryServiceStub(stage.channel)
    metadata = stage.bearer()
    calls = (
        history.ExportSession(pb.ExportSessionRequest(session_id=session_id), metadata=metadata).read(),
        stage.stub.StreamOutput(log_pb2.StreamOutputRequest(session_id=session_id), metadata=metadata).read(),
        stage.call("ListSessionEvents", log_pb2.ListSessionEventsRequest(session_id=session_id)),
    )
    for call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        assert reason(refused.value) == "LOG_EXPIRED"
    found = await history.SearchOutput(pb.SearchOutputRequest(query="old"), metadata=metadata)
    assert not found.matches


async def test_month_of_logs_with_an_unfinished_session_is_kept(stage: Stage) -> None:
    """Output that a runner still has keeps it, and a session that lives; one that was noted as gone is dropped."""
    months = [datetime(2025, 4, 1, tzinfo=UTC), datetime(2025, 5, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)]
    unfinished, live, _ = [await _session_of(stage, month) for month in months]
    await query(
        stage.installation.admin_url,
        "UPDATE session.session_heads SET reconcile_time = now() + interval '1 day' WHERE session_id = $1 RETURNING 1",
        UUID(unfinished),
    )
    connection = await asyncpg.connect(stage.installation.admin_url)
    await connection.execute(_REVIVE.format(session_id=live))
    await connection.close()
    noted = LogMonth(ids.new(), stage.account_id, months[2], 1, 1, 1, 1, months[2])
    note = "INSERT INTO session.log_months VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING 1"
    await query(stage.installation.admin_url, note, *astuple(noted))
    await _restarted(stage, LOG_MONTHS="1")

    async def swept() -> bool:
        return "2025_06" not in await _months(stage)

    await until(swept)
    assert {"2025_04", "2025_05"} <= await _months(stage)
    assert [row["log_month_id"] for row in await stage.rows("log_months")] == [noted.log_month_id]
