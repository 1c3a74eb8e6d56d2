"""The relay: dense positions in the order of commits, whatever else happens."""

import asyncio

from chassis import ids
from chassis.relay import Relay
from tests.support import rooms
from tests.support.source import Source, query
from tests.support.waiting import running, until

ACCOUNT = ids.new()


async def _positions(source: Source) -> list[int]:
    rows = await query(source.installation.url("workspace_system"), "SELECT position FROM changes ORDER BY position")
    return [row["position"] for row in rows]


async def _empty(source: Source) -> bool:
    rows = await query(source.installation.url("workspace_system"), "SELECT count(*) FROM outbox")
    return int(rows[0][0]) == 0


async def test_number_eight_writers_with_rollbacks_is_dense(source: Source) -> None:
    """Positions are 1, 2, 3 … although ids in the outbox have holes, with two relays at once."""

    async def write(writer: int) -> None:
        for number in range(20):
            try:
                await source.service.database.write(
                    rooms.actor(ACCOUNT), rooms.create_room, name=f"{writer}", fail=number % 4 == 3
                )
            except rooms.RolledBackError:
                continue

    service = source.service
    rival = Relay("workspace", service.system, source.relay.broker, source.relay.key, asyncio.Event())
    async with running(source.relay.run, rival.run):
        await asyncio.gather(*map(write, range(8)))
        await until(lambda: _empty(source))
    assert await _positions(source) == list(range(1, 121))


async def test_number_broker_away_goes_on(source: Source) -> None:
    """Changes get their positions while nothing can be published."""
    await source.service.jetstream.delete_stream("CHANGES_WORKSPACE")
    await source.create(ACCOUNT)
    assert await source.relay.number()
    assert not await source.relay.number()
    assert await _positions(source) == [1]


async def test_number_after_restore_begins_an_epoch_without_waiting_for_a_change(source: Source) -> None:
    """A new timeline is noticed by an idle relay, and the next change is of the new epoch."""
    await source.create(ACCOUNT)
    await source.relay.number()
    await source.restore_to(1)
    await source.relay.number()
    head = await query(source.installation.url("workspace_system"), "SELECT epoch, epoch_base FROM relay_head")
    assert tuple(head[0]) == (2, 1)
    await source.create(ACCOUNT)
    await source.relay.number()
    rows = await query(source.installation.url("workspace_system"), "SELECT epoch FROM changes ORDER BY position")
    assert [row["epoch"] for row in rows] == [1, 2]
