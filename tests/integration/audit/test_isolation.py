"""Who may see and who may change the ledger."""

from collections.abc import Iterable

import asyncpg
import grpc
import pytest
from stateroom.api.v1 import policy_pb2
from stateroom.audit.v1 import audit_service_pb2 as pb

from chassis import ids
from services.audit.ledger import record
from tests.support import changes
from tests.support.ledger import Ledger, refusal, user_metadata
from tests.support.source import query

MINE, THEIRS = ids.new(), ids.new()


async def _record(ledger: Ledger) -> str:
    """Record a change of MINE and return its id."""
    async with ledger.service.system.transaction() as connection:
        await record.record_changes(connection, [changes.change(MINE, 1)])
    return str((await query(ledger.installation.url("audit_system"), "SELECT audit_log_id FROM entries"))[0][0])


async def test_read_other_account_every_rpc_shows_nothing(ledger: Ledger) -> None:
    """Another account's entry is not there: not listed, not found, not by its entity."""
    audit_log_id = await _record(ledger)
    theirs = ledger.metadata(THEIRS)
    assert not (await ledger.stub.ListAuditLogs(pb.ListAuditLogsRequest(), metadata=theirs)).audit_logs
    assert not (await ledger.stub.ListChangeEvents(pb.ListChangeEventsRequest(), metadata=theirs)).change_events
    mine = (await ledger.stub.ListAuditLogs(pb.ListAuditLogsRequest(), metadata=ledger.metadata(MINE))).audit_logs
    by_entity = pb.ListChangeEventsRequest(entity_id=mine[0].entity_id)
    assert not (await ledger.stub.ListChangeEvents(by_entity, metadata=theirs)).change_events
    code, details = await refusal(
        ledger.stub.GetAuditLog(pb.GetAuditLogRequest(audit_log_id=audit_log_id), metadata=theirs)
    )
    assert code is grpc.StatusCode.NOT_FOUND
    assert b"AUDIT_LOG_NOT_FOUND" in details


@pytest.mark.parametrize("account", [None, THEIRS])
async def test_read_every_table_in_sql_other_account_shows_nothing(ledger: Ledger, account: object) -> None:
    """Row security hides every row of every table, whatever a query forgets."""
    await _record(ledger)
    connection = await asyncpg.connect(ledger.installation.url("audit"))
    try:
        if account is not None:
            await connection.execute("SELECT set_config('app.account_id', $1, false)", str(account))
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'audit'")
        assert {"entries", "entries_0", "changes", "outbox", "cursors"} <= {row[0] for row in tables}
        for (table,) in tables:
            try:
                assert await connection.fetch(f'SELECT * FROM "{table}"') == []  # noqa: S608  # a table's own name
            except asyncpg.InsufficientPrivilegeError:
                continue
    finally:
        await connection.close()


CHANGES = [
    "DELETE FROM entries",
    "TRUNCATE entries",
    "UPDATE entries SET payload = ''",
    "UPDATE entries SET position = position + 1",
    "UPDATE entries SET orphaned = true, digest = digest",
    "DELETE FROM entries_0",
    "DROP TABLE entries",
    "ALTER TABLE entries DISABLE ROW LEVEL SECURITY",
]


async def _let_through(ledger: Ledger, role: str, statements: Iterable[str]) -> list[str]:
    """Return the statements that a role is not refused for want of a right."""
    passed = []
    for statement in statements:
        try:
            await query(ledger.installation.url(role), statement)
        except asyncpg.InsufficientPrivilegeError:
            continue
        passed.append(statement)
    return passed


async def test_change_of_what_was_recorded_is_refused_to_both_roles(ledger: Ledger) -> None:
    """Neither role can alter or remove an entry."""
    await _record(ledger)
    before = await query(ledger.installation.url("audit_system"), "SELECT * FROM entries")
    for role in ("audit", "audit_system"):
        assert await _let_through(ledger, role, CHANGES) == []
    assert await query(ledger.installation.url("audit_system"), "SELECT * FROM entries") == before != []


async def test_write_by_the_serving_role_is_refused(ledger: Ledger) -> None:
    """The role that serves requests only reads."""
    writes = ("UPDATE entries SET orphaned = true", "INSERT INTO entries SELECT * FROM entries")
    assert await _let_through(ledger, "audit", writes) == []


async def test_record_same_position_again_is_refused(ledger: Ledger) -> None:
    """The key holds even if a cursor did not: one entry for one position of one epoch."""
    await _record(ledger)
    with pytest.raises(asyncpg.UniqueViolationError):
        await _record(ledger)


async def test_call_without_the_right_is_refused(ledger: Ledger) -> None:
    """A credential needs the scope, a member the role, and everybody a credential."""
    request = pb.ListAuditLogsRequest()
    scope = user_metadata(ledger.installation, MINE, scopes=("workspaces.read",))
    role = user_metadata(ledger.installation, MINE, role=policy_pb2.ROLE_UNSPECIFIED)
    assert (await refusal(ledger.stub.ListAuditLogs(request, metadata=scope)))[0] is grpc.StatusCode.PERMISSION_DENIED
    assert (await refusal(ledger.stub.ListAuditLogs(request, metadata=role)))[0] is grpc.StatusCode.PERMISSION_DENIED
    assert (await refusal(ledger.stub.ListAuditLogs(request)))[0] is grpc.StatusCode.UNAUTHENTICATED
