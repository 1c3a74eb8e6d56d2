"""Recording: every change once and in order, whatever becomes of the relay, the broker and the service."""

import asyncio
from uuid import UUID

from stateroom.audit.v1 import audit_service_pb2 as pb

from chassis import digest, ids
from chassis.relay import to_change
from tests.support import changes, rooms
from tests.support.ledger import Ledger
from tests.support.source import Source, query
from tests.support.waiting import running

ACCOUNT = ids.new()


async def test_record_changes_of_one_room_once_and_in_order(source: Source, ledger: Ledger) -> None:
    """Every version of an entity is an entry, and what did not commit is none."""
    async with running(source.relay.run, *ledger.service.loops):
        room = await source.create(ACCOUNT)
        for number in range(20):
            await source.rename(ACCOUNT, room.entity_id, f"n{number}")
        await ledger.caught_up(source)
    request = pb.ListChangeEventsRequest(entity_id=str(room.entity_id), page_size=100)
    history = await ledger.stub.ListChangeEvents(request, metadata=ledger.metadata(ACCOUNT))
    assert [event.entity_version for event in history.change_events] == list(range(1, 22))
    assert [event.type for event in history.change_events] == ["created"] + ["renamed"] * 20
    assert history.change_events[1].before["name"] == "a"
    assert history.change_events[1].after["name"] == "n0"
    assert await ledger.entries() == [(1, position) for position in range(1, 22)]


async def test_record_many_writers_with_failures_records_what_committed(source: Source, ledger: Ledger) -> None:
    """Eight writers at once, every third transaction rolled back: the entries are exactly the committed rooms."""

    async def write(writer: int) -> list[UUID]:
        made = []
        for number in range(25):
            try:
                room = await source.service.database.write(
                    rooms.actor(ACCOUNT), rooms.create_room, name=f"{writer}-{number}", fail=number % 3 == 2
                )
            except rooms.RolledBackError:
                continue
            made.append(room.entity_id)
        return made

    async with running(source.relay.run, *ledger.service.loops):
        made = [room_id for some in await asyncio.gather(*map(write, range(8))) for room_id in some]
        await ledger.caught_up(source)
    rows = await query(source.installation.url("audit_system"), "SELECT entity_id FROM entries ORDER BY position")
    assert len(rows) == len(made) == 136
    assert {row["entity_id"] for row in rows} == set(made)


async def test_record_bytes_are_those_of_the_source(source: Source, ledger: Ledger) -> None:
    """Header, salt and payload of an entry are the source's, and its digest is theirs."""
    async with running(source.relay.run, *ledger.service.loops):
        room = await source.create(ACCOUNT)
        await source.rename(ACCOUNT, room.entity_id, "b")
        await ledger.caught_up(source)
    committed = await query(source.installation.url("workspace_system"), "SELECT * FROM changes ORDER BY position")
    recorded = await query(source.installation.url("audit_system"), "SELECT * FROM entries ORDER BY position")
    for theirs, ours in zip(committed, recorded, strict=True):
        change = to_change("workspace", theirs)
        assert to_change("workspace", ours) == change
        assert ours["digest"] == digest.leaf(change)


async def test_record_relay_dies_between_number_and_publish_records_once(source: Source, ledger: Ledger) -> None:
    """Changes that got a position but no message are recorded, and once more published are not recorded twice."""
    await source.create(ACCOUNT)
    await source.relay.number()
    async with running(*ledger.service.loops):
        await ledger.caught_up(source)
        async with running(source.relay.run):
            await source.create(ACCOUNT)
            await ledger.caught_up(source)
    assert await ledger.entries() == [(1, 1), (1, 2)]


async def test_record_relay_killed_again_and_again_records_once(source: Source, ledger: Ledger) -> None:
    """A relay that is stopped at whatever point it has reached loses and doubles nothing."""
    async with running(*ledger.service.loops):
        for _ in range(15):
            async with running(source.relay.run):
                await asyncio.gather(*(source.create(ACCOUNT) for _ in range(4)))
        async with running(source.relay.run):
            await ledger.caught_up(source)
    assert await ledger.entries() == [(1, position) for position in range(1, 61)]


async def test_record_service_killed_again_and_again_records_once(source: Source, ledger: Ledger) -> None:
    """A consumer that is stopped at whatever point it has reached goes on where it was."""
    async with running(source.relay.run):
        for _ in range(15):
            async with running(*ledger.service.loops):
                await asyncio.gather(*(source.create(ACCOUNT) for _ in range(4)))
        async with running(*ledger.service.loops):
            await ledger.caught_up(source)
    assert await ledger.entries() == [(1, position) for position in range(1, 61)]


async def test_record_unknown_kind_of_entity_and_event_is_recorded(source: Source, ledger: Ledger) -> None:
    """What this release has never heard of is an entry like any other."""
    unknown = changes.change(ACCOUNT, 1, entity_type="spaceship", type="launched")
    values = (ACCOUNT, unknown.header, unknown.salt, b"\x0a\x09\x0a\x07unknown")
    async with source.service.system.connection() as connection:
        await connection.execute(
            "INSERT INTO outbox (account_id, header, salt, payload) VALUES ($1, $2, $3, $4)", *values
        )
    async with running(source.relay.run, *ledger.service.loops):
        await ledger.caught_up(source)
    listed = await ledger.stub.ListChangeEvents(pb.ListChangeEventsRequest(), metadata=ledger.metadata(ACCOUNT))
    assert [(event.entity_type, event.type, event.HasField("before")) for event in listed.change_events] == [
        ("spaceship", "launched", False)
    ]
