"""Links into a session: exactly that session, exactly that role, until they expire or are revoked."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from stateroom.session.v1 import attach_pb2, session_service_pb2
from stateroom.session.v1 import sharing_service_pb2 as pb
from stateroom.session.v1.sharing_service_pb2_grpc import SharingServiceStub

from chassis import ids
from chassis.rpc.auth import TICKET_KEY
from tests.support.screens import Screen, attach
from tests.support.source import query
from tests.support.stage import Stage, reason
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")  # that of the stage they share

DAYS = 86400.0


async def _share(stage: Stage, session_id: str, request_id: str = "", **wishes: Any) -> pb.CreateShareLinkResponse:
    link = pb.ShareLink(session_id=session_id, **wishes)
    made: pb.CreateShareLinkResponse = await stage.call(
        "CreateShareLink", pb.CreateShareLinkRequest(share_link=link, request_id=request_id)
    )
    return made


async def _open(stage: Stage, secret: str) -> pb.OpenShareLinkResponse:
    """Open a link, as somebody without any credential."""
    opened: pb.OpenShareLinkResponse = await SharingServiceStub(stage.channel).OpenShareLink(
        pb.OpenShareLinkRequest(secret=secret)
    )
    return opened


@asynccontextmanager
async def _came_in(
    stage: Stage, session_id: str, ticket: str, method: str = "ObserveSession", **wishes: Any
) -> AsyncIterator[Screen]:
    """Attach with nothing but a ticket."""
    call = getattr(stage.stub, method)(metadata=((TICKET_KEY, ticket),))
    screen = Screen(call, acknowledges=True, says_goodbye=True)
    try:
        await screen.send(attach=attach_pb2.AttachSessionRequest.Attach(session_id=session_id, **wishes))
        yield screen
    finally:
        call.cancel()


async def _refused(stage: Stage, session_id: str, ticket: str, method: str = "ObserveSession") -> str:
    """Return why a ticket does not let anybody in."""
    async with _came_in(stage, session_id, ticket, method) as screen:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await screen.step()
    return reason(refused.value)


async def _to_the_end(screen: Screen) -> None:
    while await screen.step():
        pass


async def test_create_share_link_answers_its_secret_once_and_stores_a_hash(stage: Stage) -> None:
    """For a day, to look; a repeated call answers the same link without the secret, which no table holds."""
    session_id, request_id = (await stage.create()).session_id, str(ids.new())
    made, again = [await _share(stage, session_id, request_id, label="review") for _ in range(2)]
    assert (made.secret[:4], again.secret) == ("srl_", "")
    assert again.share_link == made.share_link
    link = made.share_link
    assert (link.role, link.label, link.open_count) == (attach_pb2.OBSERVER, "review", 0)
    assert link.expire_time.seconds - link.create_time.seconds == DAYS
    for table in ("share_links", "changes", "outbox"):
        rows = await query(stage.installation.admin_url, f"SELECT t::text FROM session.{table} AS t")  # noqa: S608  # ours
        assert all(part not in row["t"] for row in rows for part in made.secret.split("_")[2:3])


async def test_create_share_link_that_makes_no_sense_is_refused(stage: Stage) -> None:
    """One that expires too late or has, that lets type where nothing reads, or to a session of somebody else."""
    session_id = (await stage.create()).session_id
    command = (await stage.create(kind="COMMAND", command=["sleep", "60"])).session_id
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"session_id": session_id, "expire_time": datetime.now(UTC) + timedelta(days=31)}, "INVALID_FIELD"),
        ({"session_id": session_id, "expire_time": datetime.now(UTC) - timedelta(seconds=1)}, "INVALID_FIELD"),
        ({"session_id": command, "role": attach_pb2.CONTROLLER}, "SESSION_WITHOUT_TERMINAL"),
        ({"session_id": str(ids.new())}, "SESSION_NOT_FOUND"),
    ]
    for wishes, expected in wrong:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await _share(stage, **wishes)
        assert reason(refused.value) == expected
    listed = await stage.call("ListShareLinks", pb.ListShareLinksRequest(session_id=session_id))
    assert not listed.share_links


async def test_ticket_of_an_observer_shows_the_session_and_nothing_else(stage: Stage) -> None:
    """It works once, opens no other session or method, and others see by which link the device came."""
    session_id, other_id = (await stage.create()).session_id, (await stage.create()).session_id
    made = await _share(stage, session_id, label="Grace")
    tickets = [(await _open(stage, made.secret)).ticket for _ in range(4)]
    await stage.type(session_id, "echo sha''red")
    async with _came_in(stage, session_id, tickets[0]) as guest:
        await guest.until(b"shared\r\n")
        listed = await stage.call("ListAttachments", attach_pb2.ListAttachmentsRequest(session_id=session_id))
        assert [(each.person, each.user_id, each.role) for each in listed.attachments] == [
            ("Grace", "", attach_pb2.OBSERVER)
        ]
    assert await _refused(stage, session_id, tickets[0]) == "CREDENTIAL_INVALID"
    assert await _refused(stage, other_id, tickets[1]) == "SESSION_NOT_FOUND"
    assert await _refused(stage, session_id, tickets[2], "AttachSession") in {"ROLE_TOO_LOW", "SCOPE_MISSING"}
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.stub.GetSession(
            session_service_pb2.GetSessionRequest(session_id=session_id), metadata=((TICKET_KEY, tickets[3]),)
        )
    assert reason(refused.value) == "CREDENTIAL_MISSING"
    events = await stage.events(made.share_link.share_link_id)  # that somebody came makes no new version of a link
    assert sorted(events) == ["created", *["entered"] * 3, *["opened"] * 4]


async def test_ticket_of_a_controller_types_and_takes_control_when_it_says_so(stage: Stage) -> None:
    """It has the right to type, like a member; control passes as it does among members."""
    session_id = (await stage.create()).session_id
    made = await _share(stage, session_id, role=attach_pb2.CONTROLLER)
    async with attach(stage, session_id) as owner:
        first, second = [(await _open(stage, made.secret)).ticket for _ in range(2)]
        async with _came_in(stage, session_id, first, "AttachSession", role=attach_pb2.CONTROLLER) as refused:
            with pytest.raises(grpc.aio.AioRpcError):
                await refused.step()
        async with _came_in(stage, session_id, second, "AttachSession", take_over=True) as guest:
            await guest.type("echo from af''ar\n")
            await guest.until(b"from afar\r\n")
            assert (await owner.until_told("role_changed")).role == attach_pb2.OBSERVER


async def test_revoke_share_link_ends_its_streams_within_five_seconds(stage: Stage) -> None:
    """Those of the link and no others; it can be opened no more, and a ticket that was given out is void."""
    session_id = (await stage.create()).session_id
    made, kept = await _share(stage, session_id), await _share(stage, session_id)
    tickets = [(await _open(stage, link.secret)).ticket for link in (made, kept, made)]
    async with _came_in(stage, session_id, tickets[0]) as out, _came_in(stage, session_id, tickets[1]) as stays:
        assert [await guest.step() for guest in (out, stays)] == ["attached", "attached"]
        request = pb.RevokeShareLinkRequest(share_link_id=made.share_link.share_link_id)
        revoked = [await stage.call("RevokeShareLink", request) for _ in range(2)]
        began = time.monotonic()
        assert revoked[0] == revoked[1]
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await _to_the_end(out)
        assert reason(ended.value) == "CREDENTIAL_INVALID"
        assert time.monotonic() < began + 5
        await stage.type(session_id, "echo still he''re")
        await stays.until(b"still here\r\n")
    assert await _refused(stage, session_id, tickets[2]) == "CREDENTIAL_INVALID"
    with pytest.raises(grpc.aio.AioRpcError) as over:
        await _open(stage, made.secret)
    assert reason(over.value) == "SHARE_LINK_OVER"


async def test_share_link_that_expires_ends_its_streams(stage: Stage) -> None:
    """Nobody has to revoke it."""
    session_id = (await stage.create()).session_id
    made = await _share(stage, session_id, expire_time=datetime.now(UTC) + timedelta(seconds=2))
    async with _came_in(stage, session_id, (await _open(stage, made.secret)).ticket) as guest:
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await _to_the_end(guest)
    assert reason(ended.value) == "CREDENTIAL_INVALID"


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ("srl_x", "CREDENTIAL_MALFORMED"),
        ("srl_0000000000000000000000_00000000000000000000000000000000_000000", "CREDENTIAL_MALFORMED"),
    ],
)
async def test_open_share_link_with_a_typing_error_is_refused(stage: Stage, secret: str, expected: str) -> None:
    """Before anything is looked up."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await _open(stage, secret)
    assert reason(refused.value) == expected


async def test_ticket_that_nobody_used_in_time_is_void(stage: Stage) -> None:
    """After half a minute, which the database measures, it lets nobody in, and it is forgotten some time later."""
    session_id = (await stage.create()).session_id
    made = await _share(stage, session_id)
    opened = await _open(stage, made.secret)
    assert opened.ticket_expire_time.seconds - time.time() < 31
    late = "UPDATE session.share_tickets SET expire_time = now() - interval '1 second'"
    await query(stage.installation.admin_url, late)
    assert await _refused(stage, session_id, opened.ticket) == "CREDENTIAL_INVALID"
    await _open(stage, made.secret)
    assert len(await stage.rows("share_tickets")) == 2
    await query(stage.installation.admin_url, late)
    last = await _open(stage, made.secret)
    await stage.kill_service()
    await stage.start_service()  # whoever starts looks at once, and every hour from then on

    async def forgotten() -> bool:
        return len(await stage.rows("share_tickets")) == 1

    await until(forgotten)
    async with _came_in(stage, session_id, last.ticket) as screen:
        await screen.step()


async def test_share_links_of_an_account_are_hidden_from_another(stage: Stage) -> None:
    """Neither listed nor revoked, as if there were none."""
    session_id = (await stage.create()).session_id
    made = await _share(stage, session_id)
    listed = await stage.call("ListShareLinks", pb.ListShareLinksRequest(), account_id=ids.new())
    assert not listed.share_links
    request = pb.RevokeShareLinkRequest(share_link_id=made.share_link.share_link_id)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stage.call("RevokeShareLink", request, account_id=ids.new())
    assert reason(refused.value) == "SHARE_LINK_NOT_FOUND"
