"""The relay: dense positions in the order of commits, whatever else happens."""

import asyncio
import json

from stateroom.event.v1.change_pb2 import ChangeHeader

from chassis import ids
from chassis.relay import UNPUBLISHED, Relay, ensure_stream
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


async def test_publish_after_thousands_of_changes_reads_only_what_is_new(source: Source) -> None:
    """What was published costs the next changes nothing, however much it is."""
    published = 5_000
    async with source.service.system.connection() as connection:
        await connection.execute(
            "INSERT INTO changes SELECT number, 1, $2, '', '', '' FROM generate_series(1, $1::bigint) AS number",
            published,
            ACCOUNT,
        )
        await connection.execute("UPDATE relay_head SET position = $1, published_position = $1", published)
        await source.create(ACCOUNT)
        await source.relay.number()
        plan = await connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {UNPUBLISHED.replace('$1', '500')}")
    total = json.loads(plan[0][0])[0]["Plan"]
    assert (total["Actual Rows"], total["Shared Hit Blocks"] < published // 100) == (1, True), total


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


async def test_publish_a_change_that_the_broker_would_not_take_leaves_it_to_the_record(source: Source) -> None:
    """Those before and after it are brought, and nothing waits behind it."""
    async with source.service.system.connection() as connection:
        await connection.execute(
            "INSERT INTO changes SELECT number, 1, $1, $2, '', CASE number WHEN 2 THEN $3 ELSE ''::bytea END"
            " FROM generate_series(1, 3) AS number",
            ACCOUNT,
            ChangeHeader(entity_type="room", type="created").SerializeToString(),
            bytes(2 << 20),
        )
        await connection.execute("UPDATE relay_head SET position = 3")
    await ensure_stream(source.service.jetstream, "workspace")
    assert await source.relay.publish() == 3
    assert await source.relay.publish() == 0
    stream = await source.service.jetstream.stream_info("CHANGES_WORKSPACE")
    assert stream.state.messages == 2


async def test_ensure_a_stream_that_is_configured_otherwise_configures_it(source: Source) -> None:
    """An installation may be told later how many servers are to keep its streams."""
    jetstream = source.service.jetstream
    await ensure_stream(jetstream, "workspace")
    await jetstream.update_stream(name="CHANGES_WORKSPACE", subjects=["stateroom.workspace.>"], max_age=60)
    await ensure_stream(jetstream, "workspace")
    stream = await jetstream.stream_info("CHANGES_WORKSPACE")
    assert (stream.config.max_age, stream.config.num_replicas) == (24 * 3600, 1)
