"""The broker is a doorbell: it may lie, repeat, lose or forget, and the ledger is right all the same."""

import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import nats as client
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.js.errors import NotFoundError
from stateroom.event.v1.change_pb2 import Change

from chassis import consumer, digest, ids
from chassis.relay import stream_of
from embedded.nats import Nats
from tests.support import changes
from tests.support.installation import Installation
from tests.support.ledger import Ledger, open_ledger
from tests.support.nats import SERVICES
from tests.support.source import Source, open_source, query
from tests.support.waiting import running, until

ACCOUNT = ids.new()
SUBJECT = "stateroom.workspace.workspace.created"


@pytest_asyncio.fixture
async def broker(nats: Nats) -> AsyncIterator[Client]:
    """Return a connection with the source's own password, as somebody has who stole it."""
    connection = await client.connect(nats.url("workspace"))
    yield connection
    await connection.close()


@pytest.fixture
def no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let only messages move the consumer, not the look at the head."""
    monkeypatch.setattr(consumer, "HEAD_POLL", 3600.0)


async def _numbered(source: Source) -> list[Change]:
    rows = await query(source.installation.url("workspace_system"), "SELECT * FROM changes ORDER BY position")
    return [
        Change(source="workspace", **{name: row[name] for name in ("epoch", "position", "header", "salt", "payload")})
        for row in rows
    ]


async def _listening(broker: Client, number: int = 1) -> None:
    """Wait until that many consumers listen at the broker."""

    async def there() -> bool:
        try:
            info = await broker.jetstream().stream_info(stream_of("workspace"))
        except NotFoundError:
            return False
        return info.state.consumer_count >= number

    await until(there)


async def _say(broker: Client, source: Source, change: Change, *, signature: str | None = None) -> None:
    signature = digest.sign(source.relay.key, change) if signature is None else signature
    await broker.jetstream().publish(SUBJECT, change.SerializeToString(), headers={"Stateroom-Signature": signature})


@pytest.mark.usefixtures("no_poll")
async def test_hear_forged_messages_records_none_and_goes_on(source: Source, ledger: Ledger, broker: Client) -> None:
    """Whoever may speak at the broker but lacks the source's key cannot put anything into the ledger."""
    forged = changes.change(ACCOUNT, 1)
    other_source = changes.change(ACCOUNT, 1, source="session")
    negative = Change(source="workspace", epoch=-1, position=-1)
    async with running(*ledger.service.loops):
        await _listening(broker)
        await broker.jetstream().publish(SUBJECT, forged.SerializeToString())
        await broker.jetstream().publish(SUBJECT, b"\xff\xff no change at all")
        for signature in ("", "0" * 64, "é", digest.sign(b"another key", forged)):
            await _say(broker, source, forged, signature=signature)
        await _say(broker, source, other_source)
        await _say(broker, source, negative, signature="0" * 64)
        async with running(source.relay.run):
            await source.create(ACCOUNT)
            await ledger.caught_up(source)
    recorded = await query(source.installation.url("audit_system"), "SELECT header FROM entries")
    assert [row["header"] for row in recorded] == [change.header for change in await _numbered(source)]


@pytest.mark.usefixtures("no_poll")
async def test_hear_repeated_and_reordered_messages_records_once(
    source: Source, ledger: Ledger, broker: Client
) -> None:
    """Old messages that come again, backwards, change nothing."""
    async with running(*ledger.service.loops, source.relay.run):
        await _listening(broker)
        for _ in range(5):
            await source.create(ACCOUNT)
        await ledger.caught_up(source)
        for change in reversed(await _numbered(source)):
            await _say(broker, source, change)
        await source.create(ACCOUNT)
        await ledger.caught_up(source)
    assert await ledger.entries() == [(1, position) for position in range(1, 7)]


@pytest.mark.usefixtures("no_poll")
async def test_hear_message_after_a_gap_fills_it_from_the_record(
    source: Source, ledger: Ledger, broker: Client
) -> None:
    """A message that is not the next one makes the consumer read what lies between."""
    async with running(*ledger.service.loops):
        await _listening(broker)
        for _ in range(5):
            await source.create(ACCOUNT)
        await source.relay.number()
        await _say(broker, source, (await _numbered(source))[3])
        await ledger.caught_up(source)
    assert await ledger.entries() == [(1, position) for position in range(1, 6)]


@pytest.mark.usefixtures("no_poll")
async def test_hear_message_of_a_new_epoch_goes_back_first(source: Source, ledger: Ledger, broker: Client) -> None:
    """The next position but of a restored source: what lies before it is not what was recorded."""
    async with running(*ledger.service.loops):
        await _listening(broker)
        async with running(source.relay.run):
            for _ in range(5):
                await source.create(ACCOUNT)
            await ledger.caught_up(source)
        await source.restore_to(3)
        for _ in range(4):
            await source.create(ACCOUNT)
        await source.relay.number()
        await _say(broker, source, (await _numbered(source))[5])
        await ledger.caught_up(source)
    assert await ledger.entries() == [(1, 1), (1, 2), (1, 3), (2, 4), (2, 5), (2, 6), (2, 7)]


async def test_hear_nothing_of_the_tail_records_it_within_15_seconds(source: Source, ledger: Ledger) -> None:
    """The last messages are lost and none follows: the look at the head finds them."""
    async with running(*ledger.service.loops):
        async with running(source.relay.run):
            await source.create(ACCOUNT)
            await ledger.caught_up(source)
        await source.create(ACCOUNT)
        await source.relay.number()

        async def recorded() -> bool:
            return len(await ledger.entries()) == 2

        await until(recorded)
    assert await ledger.entries() == [(1, 1), (1, 2)]


@pytest.mark.parametrize("how", ["purge", "delete"])
async def test_wipe_stream_while_writing_records_once(source: Source, ledger: Ledger, broker: Client, how: str) -> None:
    """A stream that is emptied or gone loses nothing, and is there again afterwards."""
    async with running(*ledger.service.loops, source.relay.run):
        for number in range(40):
            await source.create(ACCOUNT)
            if number in {10, 25}:
                stream = stream_of("workspace")
                await _listening(broker)  # what is not there yet, or not again, cannot be wiped
                jetstream = broker.jetstream()
                await (jetstream.purge_stream(stream) if how == "purge" else jetstream.delete_stream(stream))
        await ledger.caught_up(source)
        await _listening(broker)
    assert await ledger.entries() == [(1, position) for position in range(1, 41)]


async def test_restart_broker_with_empty_store_records_once(installation: Installation) -> None:
    """The broker forgets everything it acknowledged: nothing is missing, and messages flow again."""
    with tempfile.TemporaryDirectory(prefix="sr-test-") as scratch:
        passwords = {name: name for name in SERVICES}
        server = Nats(Path(scratch) / "first", Path(scratch), passwords=passwords)
        await server.start()
        try:
            async with open_source(replace(installation, nats=server)) as source, open_ledger(source) as ledger:
                async with running(*ledger.service.loops, source.relay.run):
                    for _ in range(10):
                        await source.create(ACCOUNT)
                    await server.stop()
                    for _ in range(10):
                        await source.create(ACCOUNT)
                    server = Nats(Path(scratch) / "second", Path(scratch), passwords=passwords, port=server.port)
                    await server.start()
                    for _ in range(10):
                        await source.create(ACCOUNT)
                    await ledger.caught_up(source)
                    connection = await client.connect(server.url("workspace"))
                    await _listening(connection)
                    await connection.close()
                assert await ledger.entries() == [(1, position) for position in range(1, 31)]
        finally:
            await server.stop()
