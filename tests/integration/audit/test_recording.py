"""Recording: every change once and in order, whatever becomes of the relay, the broker and the service."""

from chassis import ids
from tests.support.ledger import Ledger, pb
from tests.support.source import Source
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
