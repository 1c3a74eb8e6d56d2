"""What the session service refuses, and to whom it shows nothing."""

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from stateroom.session.v1 import attach_pb2, log_pb2, secret_service_pb2, session_pb2, update_pb2
from stateroom.session.v1 import session_service_pb2 as pb
from stateroom.session.v1.secret_service_pb2_grpc import SecretServiceStub

from chassis import ids
from chassis.errors import WrongState
from tests.support.fake_workspace import refusal
from tests.support.source import query
from tests.support.stage import Stage, reason
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

TABLES = ("sessions", "session_heads", "session_events", "session_controls", "session_attachments")

BAD_FIELDS: list[tuple[str, Any]] = [
    ("workspace_id", ""),
    ("workspace_id", "room"),
    ("shell", "sh -c x"),
    ("shell", "/opt/evil"),
    ("shell", "BASH"),
    ("working_directory", "a\0b"),
    ("working_directory", "a" * 4097),
    ("environment", {"1A": "x"}),
    ("environment", {"A": "a\0"}),
    ("environment", {"A": "a" * 4097}),
    ("environment", {f"A{number}": "" for number in range(65)}),
    ("columns", -1),
    ("columns", 1001),
    ("rows", 501),
    ("kind", 7),
    ("command", ["a\0b"]),
    ("command", ["", "a"]),
    ("command", ["a"] * 129),
    ("command", ["a", "b" * 8193]),
    ("timeout", Duration(nanos=1)),
    ("timeout", Duration(seconds=10**9)),
    ("timeout", Duration(seconds=5, nanos=-1)),
    ("timeout", Duration(seconds=-(10**15))),
]


async def test_create_session_with_a_bad_field_names_it(stage: Stage) -> None:
    """Nothing is created."""
    for field, value in BAD_FIELDS:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stage.create(**{field: value})
        assert reason(refused.value) == "INVALID_FIELD", (field, value)
        assert f"session.{field}" in (refused.value.details() or "")
    assert not (await stage.call("ListSessions", pb.ListSessionsRequest())).sessions


async def test_create_session_outside_the_workspace_names_the_field_and_leaves_nothing(stage: Stage) -> None:
    """The runner knows directories, and is asked before there is a session."""
    for path in ("../../etc", "/etc", "missing"):
        request_id = str(ids.new())
        for _ in range(2):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stage.create(request_id, working_directory=path)
            assert reason(refused.value) == "INVALID_WORKING_DIRECTORY"
            assert (refused.value.details() or "").startswith("session.working_directory: ")
    assert not (await stage.call("ListSessions", pb.ListSessionsRequest())).sessions


async def test_create_session_while_the_workspace_is_put_away_is_refused_and_failed(stage: Stage) -> None:
    """Whoever put it away may not have seen the session, so it starts no shell behind their back."""
    sessions: list[session_pb2.Session] = []
    while not sessions:  # who looks after sessions of other tests may have asked first
        stage.workspace.refusals = [None, refusal(WrongState, "WORKSPACE_ARCHIVED")]
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stage.create()
        assert reason(refused.value) == "WORKSPACE_ARCHIVED"
        sessions.extend((await stage.call("ListSessions", pb.ListSessionsRequest())).sessions)
    (session,) = sessions
    assert (session.state, session.stop_reason) == (session_pb2.Session.FAILED, session_pb2.Session.START_FAILED)
    assert session.session_id not in await stage.terminals()


async def test_create_session_in_a_workspace_that_is_not_there_leaves_nothing(stage: Stage) -> None:
    """The workspace service's own reasons reach the caller."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.create(workspace_id=str(ids.new()))
    assert reason(refused.value) == "WORKSPACE_NOT_FOUND"
    stage.workspace.refusal = refusal(WrongState, "WORKSPACE_NOT_ACTIVE")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.create()
    assert reason(refused.value) == "WORKSPACE_NOT_ACTIVE"
    assert not (await stage.call("ListSessions", pb.ListSessionsRequest())).sessions


async def test_create_session_beyond_the_limit_is_refused(stage: Stage) -> None:
    """Ended sessions do not count."""
    await stage.kill_service()
    await stage.start_service(SESSION_LIMIT="1")
    session = await stage.create()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.create()
    assert reason(refused.value) == "SESSION_LIMIT_REACHED"
    await stage.type(session.session_id, "exit")
    await stage.ended(session.session_id)
    assert (await stage.create()).state == session_pb2.Session.ACTIVE


@pytest.mark.invariant("I20")
async def test_every_method_for_another_account_finds_nothing(stage: Stage) -> None:
    """Another account's session is not there at all, in no table and by no method."""
    session = await stage.create()
    await stage.type(session.session_id, "echo here; exit")
    await stage.ended(session.session_id)
    stranger, session_id = ids.new(), session.session_id
    requests: dict[str, Any] = {
        "GetSession": pb.GetSessionRequest(session_id=session_id),
        "WriteSession": pb.WriteSessionRequest(session_id=session_id, data=b"x"),
        "ResizeSession": update_pb2.ResizeSessionRequest(session_id=session_id, columns=9, rows=9),
        "TerminateSession": pb.TerminateSessionRequest(session_id=session_id),
        "ListSessionEvents": log_pb2.ListSessionEventsRequest(session_id=session_id),
    }
    for method, request in requests.items():
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stage.call(method, request, stranger)
        assert reason(refused.value) == "SESSION_NOT_FOUND", method
    streams = [
        stage.stub.StreamOutput(log_pb2.StreamOutputRequest(session_id=session_id), metadata=stage.bearer(stranger)),
        stage.stub.AttachSession(iter([_attach(session_id)]), metadata=stage.bearer(stranger)),
    ]
    for stream in streams:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stream.read()
        assert reason(refused.value) == "SESSION_NOT_FOUND"
    assert not (await stage.call("ListSessions", pb.ListSessionsRequest(), stranger)).sessions
    for table in TABLES:
        scoped = f"SELECT set_config('app.account_id', '{stranger}', false), * FROM {table}"  # noqa: S608  # ours
        assert await query(stage.installation.url("session"), scoped) == []
    assert len(await stage.rows("sessions")) == 1


async def test_ended_session_takes_nothing_more(stage: Stage) -> None:
    """Final is final, for callers and in the database."""
    session = await stage.create()
    await stage.type(session.session_id, "exit")
    await stage.ended(session.session_id)
    requests = {
        "WriteSession": pb.WriteSessionRequest(session_id=session.session_id, data=b"x"),
        "ResizeSession": update_pb2.ResizeSessionRequest(session_id=session.session_id, columns=9, rows=9),
        "TerminateSession": pb.TerminateSessionRequest(session_id=session.session_id),
    }
    for method, request in requests.items():
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stage.call(method, request)
        assert reason(refused.value) == "SESSION_NOT_ACTIVE", method
    with pytest.raises(Exception, match="STOPPED is final"):
        await query(
            stage.installation.url("session_system"),
            "UPDATE sessions SET state = 'ACTIVE', end_time = NULL, stop_reason = NULL WHERE session_id = $1",
            ids.parse(session.session_id),
        )


def _attach(session_id: str) -> attach_pb2.AttachSessionRequest:
    return attach_pb2.AttachSessionRequest(attach=attach_pb2.AttachSessionRequest.Attach(session_id=session_id))


async def test_secret_that_cannot_be_masked_is_refused(stage: Stage) -> None:
    """One that names no variable, one of a session that ended, one too many; nothing changes by it."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.create(environment={"SHORT": "abc"}, secret_names=["SHORT"])
    assert (reason(refused.value), "session.secret_names" in str(refused.value.details())) == ("INVALID_FIELD", True)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.create(environment={"BLANK": " " * 8}, secret_names=["BLANK"])
    assert reason(refused.value) == "INVALID_FIELD"
    environment = {f"KEY_{number}": f"secret-{number}" for number in range(32)}
    session = await stage.create(environment=environment, secret_names=sorted(environment))
    await _check_refused(stage, session.session_id, "SECRET_LIMIT_REACHED")
    await _check_refused(stage, session.session_id, "INVALID_FIELD", value=b" \n\t    ")
    assert (await stage.get(session.session_id)).etag == session.etag
    again = secret_service_pb2.RegisterSecretRequest(
        session_id=session.session_id, name="KEY_1", value=b"another value"
    )
    masked = await _secrets(stage).RegisterSecret(again, metadata=stage.bearer(), timeout=PATIENCE)
    assert masked.secret_names == session.secret_names
    await stage.type(session.session_id, "exit")
    await stage.ended(session.session_id)
    await _check_refused(stage, session.session_id, "SESSION_NOT_ACTIVE")


def _secrets(stage: Stage) -> Any:
    return SecretServiceStub(stage.channel)


async def _check_refused(stage: Stage, session_id: str, expected: str, value: bytes = b"abcdef") -> None:
    request = secret_service_pb2.RegisterSecretRequest(session_id=session_id, name="MORE", value=value)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _secrets(stage).RegisterSecret(request, metadata=stage.bearer(), timeout=PATIENCE)
    assert reason(refused.value) == expected
