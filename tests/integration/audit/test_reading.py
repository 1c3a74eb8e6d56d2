"""Reading: every filter, pages, one entity's history, and what bad requests are told."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import grpc
import pytest
import pytest_asyncio
from google.protobuf.timestamp_pb2 import Timestamp
from stateroom.audit.v1 import audit_service_pb2 as pb
from stateroom.event.v1.change_pb2 import ChangeHeader

from chassis import digest, ids
from embedded.nats import Nats
from embedded.postgres import Postgres
from services.audit.ledger import record
from tests.support import changes
from tests.support.installation import TEMPLATE, fresh_installation
from tests.support.ledger import Ledger, open_ledger, refusal
from tests.support.source import open_source

pytestmark = pytest.mark.asyncio(loop_scope="session")

ACCOUNT = ids.new()
ENTITY = ids.new()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(template: Postgres, nats: Nats) -> AsyncIterator[Ledger]:
    """Return a ledger with eight entries: a session's, then seven of workspaces; 4, 5 and 6 are one room's history."""
    mine = [
        changes.change(ACCOUNT, 2, type="archived", outcome=ChangeHeader.DENIED),
        changes.change(ACCOUNT, 3, actor_id="service:session", request_id="request-3"),
        changes.change(ACCOUNT, 4, entity_id=str(ENTITY), entity_version=1),
        changes.change(ACCOUNT, 5, entity_id=str(ENTITY), entity_version=2, type="renamed"),
        changes.change(ACCOUNT, 6, entity_id=str(ENTITY), entity_version=2, type="purged"),
        changes.change(ACCOUNT, 7),
        changes.change(ACCOUNT, 8),
    ]
    session = changes.change(ACCOUNT, 1, source="session", entity_type="session")
    async with (
        fresh_installation(template, nats, TEMPLATE) as installation,
        open_source(installation) as source,
        open_ledger(source) as ledger,
    ):
        async with ledger.service.system.transaction() as connection:
            await record.record_changes(connection, [session])
            await record.record_changes(connection, mine)
        yield ledger


async def _logs(ledger: Ledger, **fields: Any) -> list[int]:
    response = await ledger.stub.ListAuditLogs(pb.ListAuditLogsRequest(**fields), metadata=ledger.metadata(ACCOUNT))
    return [entry.position for entry in response.audit_logs]


async def _events(ledger: Ledger, **fields: Any) -> list[int]:
    request = pb.ListChangeEventsRequest(**fields)
    response = await ledger.stub.ListChangeEvents(request, metadata=ledger.metadata(ACCOUNT))
    return [event.position for event in response.change_events]


@pytest.mark.parametrize(
    ("fields", "positions"),
    [
        ({}, [8, 7, 6, 5, 4, 3, 2, 1]),
        ({"source": "session"}, [1]),
        ({"action": "workspace.renamed"}, [5]),
        ({"action": "renamed"}, []),
        ({"entity_type": "session"}, [1]),
        ({"entity_id": str(ENTITY).upper()}, [6, 5, 4]),
        ({"actor_id": "service:session"}, [3]),
        ({"request_id": "request-3"}, [3]),
        ({"outcome": ChangeHeader.DENIED}, [2]),
        ({"start_time": Timestamp(seconds=changes.FIRST_SECOND + 7)}, [8, 7]),
        ({"end_time": Timestamp(seconds=changes.FIRST_SECOND + 3)}, [2, 1]),
        ({"entity_type": "workspace", "end_time": Timestamp(seconds=changes.FIRST_SECOND + 3)}, [2]),
    ],
)
async def test_list_audit_logs_filter_narrows_newest_first(
    filled: Ledger, fields: dict[str, Any], positions: list[int]
) -> None:
    """Each filter keeps what it names and nothing else."""
    assert await _logs(filled, **fields) == positions


@pytest.mark.parametrize(
    ("fields", "positions"),
    [
        ({}, [8, 7, 6, 5, 4, 3, 2, 1]),
        ({"entity_type": "session"}, [1]),
        ({"type": "renamed"}, [5]),
        ({"entity_id": str(ENTITY)}, [4, 5, 6]),
        ({"entity_id": str(ENTITY), "type": "purged"}, [6]),
        ({"start_time": Timestamp(seconds=changes.FIRST_SECOND + 7)}, [8, 7]),
    ],
)
async def test_list_change_events_filter_narrows(filled: Ledger, fields: dict[str, Any], positions: list[int]) -> None:
    """Each filter keeps what it names; a history is in the order of versions."""
    assert await _events(filled, **fields) == positions


@pytest.mark.parametrize("size", [1, 2, 3, 8])
async def test_list_pages_show_every_entry_once(filled: Ledger, size: int) -> None:
    """Pages of any size join to the whole list."""
    request = pb.ListAuditLogsRequest(page_size=size)
    seen: list[int] = []
    while True:
        response = await filled.stub.ListAuditLogs(request, metadata=filled.metadata(ACCOUNT))
        assert len(response.audit_logs) <= size
        seen += [entry.position for entry in response.audit_logs]
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
    assert seen == [8, 7, 6, 5, 4, 3, 2, 1]


async def test_list_history_pages_keep_changes_of_one_version_apart(filled: Ledger) -> None:
    """A purge has the version of the change before it, and is not lost between pages."""
    request = pb.ListChangeEventsRequest(entity_id=str(ENTITY), page_size=2)
    first = await filled.stub.ListChangeEvents(request, metadata=filled.metadata(ACCOUNT))
    request.page_token = first.next_page_token
    second = await filled.stub.ListChangeEvents(request, metadata=filled.metadata(ACCOUNT))
    assert [event.type for page in (first, second) for event in page.change_events] == ["created", "renamed", "purged"]


@pytest.mark.asyncio(loop_scope="function")
async def test_list_page_size_above_maximum_is_a_thousand(ledger: Ledger) -> None:
    """No page is longer than 1,000."""
    async with ledger.service.system.transaction() as connection:
        await record.record_changes(connection, [changes.change(ACCOUNT, n) for n in range(1, 1_003)])
    assert len(await _logs(ledger, page_size=2**31 - 1)) == 1_000
    assert len(await _logs(ledger)) == 20


async def test_get_audit_log_has_the_bytes_that_its_digest_proves(filled: Ledger) -> None:
    """Anyone can compute the digest from what one call answers; a list carries no bytes."""
    metadata = filled.metadata(ACCOUNT)
    listed = (await filled.stub.ListAuditLogs(pb.ListAuditLogsRequest(page_size=1), metadata=metadata)).audit_logs[0]
    got = await filled.stub.GetAuditLog(pb.GetAuditLogRequest(audit_log_id=listed.audit_log_id), metadata=metadata)
    assert not listed.HasField("change")
    assert digest.leaf(got.change).hex() == got.digest == listed.digest
    assert ChangeHeader.FromString(got.change.header).event_id == got.audit_log_id
    assert (got.ip_address, got.user_agent) == ("192.0.2.7", "test/1")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"page_size": -1}, "page_size"),
        ({"page_token": "x" * 1025}, "page_token"),
        ({"source": "x" * 51}, "source"),
        ({"source": "a\0"}, "source"),
        ({"action": "x" * 101}, "action"),
        ({"entity_type": "x" * 51}, "entity_type"),
        ({"entity_id": "no-uuid"}, "entity_id"),
        ({"actor_id": "x" * 101}, "actor_id"),
        ({"request_id": "x" * 101}, "request_id"),
        ({"outcome": 99}, "outcome"),
        ({"start_time": Timestamp(seconds=2), "end_time": Timestamp(seconds=1)}, "start_time"),
        ({"start_time": Timestamp(seconds=10**15)}, "start_time"),
    ],
)
async def test_list_audit_logs_bad_field_is_named(filled: Ledger, fields: dict[str, Any], field: str) -> None:
    """A bad value is INVALID_ARGUMENT and the violation names its field."""
    call = filled.stub.ListAuditLogs(pb.ListAuditLogsRequest(**fields), metadata=filled.metadata(ACCOUNT))
    code, details = await refusal(call)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert b"INVALID_FIELD" in details
    assert field.encode() in details


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"page_size": -1}, "page_size"),
        ({"entity_type": "x" * 51}, "entity_type"),
        ({"entity_id": "no-uuid"}, "entity_id"),
        ({"type": "x" * 51}, "type"),
        ({"type": "a\0"}, "type"),
        ({"end_time": Timestamp(seconds=-(10**15))}, "end_time"),
    ],
)
async def test_list_change_events_bad_field_is_named(filled: Ledger, fields: dict[str, Any], field: str) -> None:
    """As above."""
    call = filled.stub.ListChangeEvents(pb.ListChangeEventsRequest(**fields), metadata=filled.metadata(ACCOUNT))
    code, details = await refusal(call)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert field.encode() in details


async def test_get_audit_log_bad_or_unknown_id_is_refused(filled: Ledger) -> None:
    """No UUID is INVALID_ARGUMENT, an unknown one NOT_FOUND."""
    answers = {"": grpc.StatusCode.INVALID_ARGUMENT, "x": grpc.StatusCode.INVALID_ARGUMENT}
    answers[str(ids.new())] = grpc.StatusCode.NOT_FOUND
    for audit_log_id, expected in answers.items():
        request = pb.GetAuditLogRequest(audit_log_id=audit_log_id)
        assert (await refusal(filled.stub.GetAuditLog(request, metadata=filled.metadata(ACCOUNT))))[0] is expected


@pytest.mark.parametrize("account", [ACCOUNT, ids.new()])
async def test_list_page_token_of_another_list_is_refused(filled: Ledger, account: UUID) -> None:
    """A token fits the account and the filters it was made for, and nothing else."""
    first = pb.ListAuditLogsRequest(page_size=1)
    token = (await filled.stub.ListAuditLogs(first, metadata=filled.metadata(ACCOUNT))).next_page_token
    other = pb.ListAuditLogsRequest(page_size=1, page_token=token, source="workspace" if account == ACCOUNT else "")
    code, details = await refusal(filled.stub.ListAuditLogs(other, metadata=filled.metadata(account)))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert b"INVALID_PAGE_TOKEN" in details


@pytest.mark.parametrize("token", ["x", "é", "AAAA", "A" * 60, "====", "\0"])
async def test_list_broken_page_token_is_refused(filled: Ledger, token: str) -> None:
    """Whatever is sent as a token, the answer is INVALID_PAGE_TOKEN or INVALID_FIELD, not an internal error."""
    call = filled.stub.ListAuditLogs(pb.ListAuditLogsRequest(page_token=token), metadata=filled.metadata(ACCOUNT))
    assert (await refusal(call))[0] is grpc.StatusCode.INVALID_ARGUMENT
