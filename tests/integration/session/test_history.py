"""What sessions printed, after the fact: exported, searched, and let go of."""

import json
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import grpc
import pytest
from stateroom.agent.v1 import agent_event_pb2
from stateroom.event.v1 import change_pb2
from stateroom.session.v1 import history_service_pb2 as pb
from stateroom.session.v1 import log_pb2, update_pb2
from stateroom.session.v1.history_service_pb2_grpc import HistoryServiceStub

from chassis import ids
from services.session.history.domain import LogMonth
from tests.support import asciicast
from tests.support.editors import Editor, edit, save
from tests.support.source import query
from tests.support.stage import Stage, reason
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

Format = pb.ExportSessionRequest.Format
SessionEvent = log_pb2.SessionEvent

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


async def _export(stage: Stage, session_id: str, kind: int = Format.CAST, offset: int = 0) -> bytes:
    request = pb.ExportSessionRequest(session_id=session_id, format=kind, offset=offset)  # type: ignore[arg-type]  # an enum's number
    stub: Any = HistoryServiceStub(stage.channel)
    return b"".join(
        [body.data async for body in stub.ExportSession(request, metadata=stage.bearer(), timeout=PATIENCE)]
    )


async def _ended(stage: Stage, *lines: str) -> str:
    """Return a session in which these were typed, and that ended."""
    session = await stage.create()
    for line in lines:
        await stage.type(session.session_id, line)
    await stage.type(session.session_id, "exit 3")
    await stage.ended(session.session_id)
    return str(session.session_id)


async def _search(stage: Stage, query: str, **others: Any) -> pb.SearchOutputResponse:
    stub: Any = HistoryServiceStub(stage.channel)
    response: pb.SearchOutputResponse = await stub.SearchOutput(
        pb.SearchOutputRequest(query=query, **others), metadata=stage.bearer(), timeout=20
    )
    return response


async def _everything(stage: Stage, query: str, **others: Any) -> list[pb.OutputMatch]:
    """Return all matches, page by page."""
    found: list[pb.OutputMatch] = []
    response = await _search(stage, query, **others)
    while True:
        found += response.matches
        if not response.next_page_token:
            return found
        response = await _search(stage, query, page_token=response.next_page_token, **others)


async def test_export_of_an_ended_session_holds_all_of_it_in_each_form(stage: Stage) -> None:
    """The recording plays the whole output and ends with the exit code; text is what was read; NDJSON is the log."""
    session_id = await _ended(stage, r"printf 'caf\303\251 \033[31mred\033[0m\n'")
    output = await stage.output(session_id)
    cast = asciicast.read(await _export(stage, session_id))
    assert cast.output == output.decode("utf-8", "replace")
    assert cast.data("x") == ["3"]
    assert "café red\n" in (await _export(stage, session_id, Format.TEXT)).decode()
    lines = [json.loads(line) for line in (await _export(stage, session_id, Format.NDJSON)).splitlines()]
    assert [int(line["sequence"]) for line in lines] == list(range(1, len(lines) + 1))
    assert (lines[-1]["type"], lines[-1]["exitCode"]) == ("EXIT", 3)


async def test_export_of_an_editor_is_its_events(stage: Stage) -> None:
    """NDJSON has what happened to its buffers; it printed nothing: other forms are empty, and nothing is found."""
    editor = await Editor.open(stage)
    opened = await editor.buffer("searched.txt", "haystack-4711\n")
    await save(stage, await edit(stage, opened, [(0, 0, "needle-4711 ")]))
    lines = [json.loads(line) for line in (await _export(stage, editor.session_id, Format.NDJSON)).splitlines()]
    assert [line["editorEvent"]["type"] for line in lines] == ["OPENED", "EDITED", "SAVED"]
    assert await _export(stage, editor.session_id, Format.TEXT) == b""
    cast = asciicast.read(await _export(stage, editor.session_id))
    assert (cast.output, cast.header["term"]["cols"] > 0) == ("", True)
    assert not await _everything(stage, "4711", session_id=editor.session_id)


async def test_export_from_an_offset_gives_what_is_missing(stage: Stage) -> None:
    """Also of a session that went on since; beyond the end of the file there is nothing to give."""
    session = await stage.create()
    early = await _export(stage, session.session_id)
    await stage.type(session.session_id, "seq 20000; exit")
    await stage.ended(session.session_id)
    whole = await _export(stage, session.session_id)
    assert len(whole) > 130_000
    for offset in (len(early), len(whole) // 2, len(whole)):
        assert whole[:offset] + await _export(stage, session.session_id, offset=offset) == whole
    assert whole.startswith(early)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await _export(stage, session.session_id, offset=len(whole) + 1)
    assert reason(refusal.value) == "OFFSET_OUT_OF_RANGE"


async def test_export_begins_with_the_size_that_the_terminal_began_with(stage: Stage) -> None:
    """Resizing changes the session, and is an event of the recording."""
    session = await stage.create(columns=100, rows=30)
    await stage.call(
        "ResizeSession", update_pb2.ResizeSessionRequest(session_id=session.session_id, columns=90, rows=20)
    )

    async def resized() -> bool:
        return "r" in {event.code for event in asciicast.read(await _export(stage, session.session_id)).events}

    await until(resized)
    cast = asciicast.read(await _export(stage, session.session_id))
    assert (cast.header["term"]["cols"], cast.header["term"]["rows"], cast.data("r")) == (100, 30, ["90x20"])


async def test_search_finds_lines_across_records_and_without_escapes(stage: Stage) -> None:
    """What a person read as one word is one, however it was printed; the offset is where its line begins."""
    session_id = await _ended(stage, r"printf 'nee\033[1mdle\b\b'; printf 'l\033[0me in hay\n'; echo after")
    (match,) = (await _search(stage, "NEEDLE IN HAY", session_id=session_id)).matches
    output = await stage.output(session_id)
    assert match.line[match.begin : match.end] == "needle in hay"
    assert output[: match.offset].endswith(b"\n")
    assert b"\n" not in output[match.offset : output.index(b"nee\x1b[1mdle\b")]
    assert match.line_after == "after"
    assert not (await _search(stage, "NEEDLE IN HAY", case_sensitive=True)).matches


async def test_search_over_all_sessions_is_newest_first_and_goes_on_by_pages(stage: Stage) -> None:
    """Pages of any size give the same lines, none twice, in every session of the account and no other."""
    made = [await _ended(stage, f"for i in 1 2 3; do echo page-{word}-$i; done") for word in ("one", "two")]
    expected = [f"page-{word}-{number}" for word in ("two", "one") for number in (3, 2, 1)]
    found: list[pb.OutputMatch] = []
    for size in (1, 4, 100):
        found = await _everything(stage, r"^page-\w+-\d$", regex=True, page_size=size)
        assert [match.line for match in found] == expected
        assert [match.session_id for match in found] == [made[1]] * 3 + [made[0]] * 3
    assert [match.line for match in await _everything(stage, "page-one-2", end_time=found[0].time)] == ["page-one-2"]
    assert not await _everything(stage, "page-one-2", start_time=found[0].time, regex=True)
    assert not await _everything(stage, "page-", workspace_id=str(ids.new()))
    stage.change_owner()
    assert not await _everything(stage, "page-")


async def test_search_of_much_output_reads_a_part_and_goes_on(stage: Stage) -> None:
    """One call costs no more than its budget; the pages after it find what lies far back."""
    session_id = await _ended(
        stage, "echo far-back-$((6*7)); head -c 5000000 /dev/zero | tr '\\0' x | fold -w 99; echo"
    )
    first = await _search(stage, "far-back-42", session_id=session_id)
    assert not first.matches
    assert 4 << 20 <= first.searched_bytes < 5 << 20
    (match,) = await _everything(stage, "far-back-42", session_id=session_id)
    assert match.line == "far-back-42"


@pytest.mark.parametrize("query", ["(", "a{1000}{1000}", "x*", r"(a)\1", "(?=a)"])
async def test_search_for_what_is_no_expression_says_so(stage: Stage, query: str) -> None:
    """An expression that is malformed, too large, of a kind that can take for ever, or finds nothing everywhere."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await _search(stage, query, regex=True)
    assert reason(refusal.value) == "INVALID_FIELD"
    assert "query: " in str(refusal.value.details())


async def test_list_of_some_records_pages_through_those_alone(stage: Stage) -> None:
    """By sequence, by time and by type; a page goes on where the last one ended."""
    session_id = await _ended(stage, "echo one", "echo two")
    everything = await _records(stage, session_id)
    outputs = [record for record in everything if record.type == SessionEvent.OUTPUT]
    assert len(outputs) < len(everything)
    assert await _records(stage, session_id, types=[SessionEvent.OUTPUT], page_size=1) == outputs
    assert await _records(stage, session_id, after_sequence=1, before_sequence=3) == everything[1:2]
    middle = everything[len(everything) // 2].time
    early = await _records(stage, session_id, end_time=middle)
    assert early
    assert early + await _records(stage, session_id, start_time=middle, page_size=2) == everything


async def _records(stage: Stage, session_id: str, **wishes: Any) -> list[SessionEvent]:
    found: list[SessionEvent] = []
    request = log_pb2.ListSessionEventsRequest(session_id=session_id, **wishes)
    while True:
        page = await stage.call("ListSessionEvents", request)
        found += page.session_events
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


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


@pytest.mark.thorough
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


async def test_list_session_events_of_large_events_ends_pages_by_their_bytes(stage: Stage) -> None:
    """A page fits into a message whatever is in it, and the pages together have every event once."""
    session_id = await _ended(stage)
    event = agent_event_pb2.AgentEvent(message=agent_event_pb2.Chunk(text="x" * 65_000)).SerializeToString()
    statement = """
        INSERT INTO session.session_events
            (session_id, sequence, account_id, "offset", time, type, data, columns, rows, reason)
        SELECT session_id, head_sequence + number, account_id, head_offset, now(), 10, $2, 0, 0, ''
        FROM session.session_heads, generate_series(1, 300) AS number WHERE session_id = $1
    """
    await query(stage.installation.admin_url, statement, session_id, event)
    request = log_pb2.ListSessionEventsRequest(session_id=session_id, page_size=1000)
    sequences, sizes = list[int](), list[int]()
    while True:
        page = await stage.call("ListSessionEvents", request)
        sequences += [each.sequence for each in page.session_events]
        sizes.append(page.ByteSize())
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert sequences == list(range(1, sequences[-1] + 1))
    assert len(sequences) > 300
    assert max(sizes) < 5 << 20
    assert len(sizes) == 5
