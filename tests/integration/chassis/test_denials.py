"""Refusals in the record."""

import grpc
import pytest
from stateroom.event.v1 import change_service_pb2 as pb
from stateroom.event.v1.change_pb2 import ChangeHeader, ChangePayload, Denial
from stateroom.event.v1.change_service_pb2_grpc import ChangeServiceStub

from chassis import ids
from chassis.change_service import ChangeServicer
from chassis.denials import Denials
from chassis.errors import RateLimited
from chassis.rpc import policy
from chassis.rpc.call import Call, Principal
from chassis.rpc.channels import open_channel
from chassis.rpc.server import Server
from tests.support.source import Source, query

SERVICE = pb.DESCRIPTOR.services_by_name["ChangeService"]
ACCOUNT = ids.new()


class _AsUser:
    """Takes every caller for one person."""

    async def authenticate(self, call: Call, *, max_age: float = 0) -> Principal:
        """Return the person."""
        return Principal(subject="somebody", account_id=ACCOUNT, credential_id="key")


async def _recorded(source: Source) -> list[tuple[ChangeHeader, ChangePayload]]:
    await source.relay.number()
    rows = await query(source.installation.admin_url, "SELECT header, payload FROM workspace.changes ORDER BY position")
    return [(ChangeHeader.FromString(row["header"]), ChangePayload.FromString(row["payload"])) for row in rows]


async def test_refusals_of_one_kind_are_one_counted_change(source: Source) -> None:
    """Three refusals of one caller by one method for one reason are one row of their account, with their number."""
    denials = Denials(source.service.system, source.relay.wake)
    server = Server(_AsUser(), denials.note)
    server.add(SERVICE, ChangeServicer("workspace", source.service.system))
    async with open_channel(await server.start("127.0.0.1:0")) as channel:
        stub = ChangeServiceStub(channel)
        for _ in range(3):
            with pytest.raises(grpc.aio.AioRpcError, match="may not call"):
                await stub.GetHead(pb.GetHeadRequest())
    await server.stop(0)
    await denials.flush()
    ((header, payload),) = await _recorded(source)
    denial = Denial()
    assert payload.details.Unpack(denial)
    assert (denial.method, denial.reason, denial.count) == (f"/{SERVICE.full_name}/GetHead", "CALLER_NOT_ALLOWED", 3)
    assert (header.account_id, header.actor_id, header.credential_id) == (str(ACCOUNT), "somebody", "key")
    assert header.outcome == ChangeHeader.DENIED
    assert payload.ip_address == "127.0.0.1"
    await denials.flush()
    assert len(await _recorded(source)) == 1


async def test_rate_refusals_of_one_caller_are_one_counted_change(source: Source) -> None:
    """A caller that goes on calling leaves a number in the record, not a row for each call."""
    denials = Denials(source.service.system, source.relay.wake)
    get_head = next(method for method in policy.methods(SERVICE) if method.descriptor.name == "GetHead")
    call = Call(get_head, {}, "192.0.2.7", principal=Principal("somebody", ACCOUNT, credential_id="key"))
    for _ in range(1000):
        denials.note(call, RateLimited("READ 1/h", "credential", 3600))
    await denials.flush()
    ((_, payload),) = await _recorded(source)
    denial = Denial()
    assert payload.details.Unpack(denial)
    assert (denial.reason, denial.count) == ("RATE_LIMITED", 1000)


async def test_errors_that_are_no_refusals_leave_no_change(source: Source) -> None:
    """A field that breaks a rule is a mistake, not an attempt at something forbidden."""
    denials = Denials(source.service.system, source.relay.wake)
    server = Server(_AsService(), denials.note)
    server.add(SERVICE, ChangeServicer("workspace", source.service.system))
    async with open_channel(await server.start("127.0.0.1:0")) as channel:
        stub = ChangeServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError, match="after_position"):
            await stub.ListChanges(pb.ListChangesRequest(after_position=-1))
    await server.stop(0)
    await denials.flush()
    assert await _recorded(source) == []


class _AsService:
    """Takes every caller for the audit service."""

    async def authenticate(self, call: Call, *, max_age: float = 0) -> Principal:
        """Return the service."""
        return Principal(subject="service:audit")
