"""A source that is restored from a backup: what it lost stays, marked, and what it does next is recorded."""

from stateroom.audit.v1 import audit_service_pb2 as pb

from chassis import ids
from tests.support.ledger import Ledger
from tests.support.source import Source, query
from tests.support.waiting import running, until

ACCOUNT = ids.new()


async def _write(source: Source, ledger: Ledger, number: int) -> None:
    """Let that many changes be committed and recorded."""
    async with running(source.relay.run, *ledger.service.loops):
        for _ in range(number):
            await source.create(ACCOUNT)
        await ledger.caught_up(source)


async def _orphans(ledger: Ledger) -> list[tuple[int, int]]:
    rows = await query(
        ledger.installation.url("audit_system"),
        "SELECT epoch, position FROM entries WHERE orphaned ORDER BY epoch, position",
    )
    return [(row["epoch"], row["position"]) for row in rows]


async def test_restore_below_cursor_marks_lost_entries_orphaned(source: Source, ledger: Ledger) -> None:
    """Entries of lost changes stay and say so; the new epoch goes on from its base."""
    await _write(source, ledger, 10)
    await source.restore_to(6)
    await _write(source, ledger, 3)
    assert await _orphans(ledger) == [(1, 7), (1, 8), (1, 9), (1, 10)]
    assert await ledger.entries() == [(1, n) for n in range(1, 7)] + [(2, 7), (2, 8), (2, 9)]


async def test_restore_then_grown_past_cursor_records_the_new_changes(source: Source, ledger: Ledger) -> None:
    """A new epoch that is longer than the old one by the time it is noticed hides nothing."""
    await _write(source, ledger, 5)
    await source.restore_to(3)
    for _ in range(6):
        await source.create(ACCOUNT)
    await _write(source, ledger, 1)
    assert await _orphans(ledger) == [(1, 4), (1, 5)]
    assert await ledger.entries() == [(1, 1), (1, 2), (1, 3)] + [(2, n) for n in range(4, 11)]


async def test_restore_above_cursor_orphans_nothing(source: Source, ledger: Ledger) -> None:
    """A consumer that was behind reads what the source still has of the old epoch, then the new one."""
    await _write(source, ledger, 2)
    for _ in range(4):
        await source.create(ACCOUNT)
    await source.relay.number()
    await source.restore_to(5)
    await _write(source, ledger, 2)
    assert await _orphans(ledger) == []
    assert await ledger.entries() == [(1, n) for n in range(1, 6)] + [(2, 6), (2, 7)]


async def test_restore_twice_unnoticed_goes_back_to_the_earliest(source: Source, ledger: Ledger) -> None:
    """Two restores while nobody looked: everything that either of them lost is marked."""
    await _write(source, ledger, 10)
    await source.restore_to(4)
    for _ in range(5):
        await source.create(ACCOUNT)
    await source.relay.number()
    await source.restore_to(8)
    await _write(source, ledger, 1)
    assert await _orphans(ledger) == [(1, n) for n in range(5, 11)]
    assert await ledger.entries() == [(1, n) for n in range(1, 5)] + [(2, n) for n in range(5, 9)] + [(3, 9)]


async def test_restore_entry_says_orphaned_and_leaves_the_history(source: Source, ledger: Ledger) -> None:
    """The log shows the lost entry with its mark; changes are what the source still has."""
    await _write(source, ledger, 2)
    await source.restore_to(1)

    async def marked() -> bool:
        return await _orphans(ledger) == [(1, 2)]

    async with running(source.relay.run, *ledger.service.loops):
        await until(marked)
    metadata = ledger.metadata(ACCOUNT)
    logs = (await ledger.stub.ListAuditLogs(pb.ListAuditLogsRequest(), metadata=metadata)).audit_logs
    events = (await ledger.stub.ListChangeEvents(pb.ListChangeEventsRequest(), metadata=metadata)).change_events
    assert sorted((entry.position, entry.orphaned) for entry in logs) == [(1, False), (2, True)]
    assert [event.position for event in events] == [1]
