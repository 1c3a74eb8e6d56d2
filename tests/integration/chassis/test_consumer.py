"""The consumer: each change takes effect once, in the transaction of the cursor."""

from collections.abc import Awaitable, Sequence

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from stateroom.event.v1.change_pb2 import Change

from chassis import ids
from chassis.consumer import Consumer, Effect, SourceWentBack
from chassis.errors import DatabaseUnavailable, Unavailable
from chassis.readiness import Readiness
from chassis.rpc.channels import LIVE
from chassis.system import Connection
from services.audit.ledger import record
from tests.support.ledger import Ledger
from tests.support.source import Source
from tests.support.waiting import running, until

ACCOUNT = ids.new()


class KilledError(Exception):
    """Ends an effect as a kill would: nothing of its transaction is left."""


def _consumer(source: Source, ledger: Ledger, effect: Effect = record.record_changes) -> Consumer:
    service = ledger.service
    return Consumer(service.neighbour("workspace"), service.system, service.jetstream, source.relay.key, effect)


async def _numbered(source: Source, number: int) -> None:
    for _ in range(number):
        await source.create(ACCOUNT)
    while await source.relay.number():
        pass


@pytest.mark.parametrize("before", [True, False])
async def test_catch_up_killed_in_the_effect_applies_once(source: Source, ledger: Ledger, *, before: bool) -> None:
    """A kill before or after the effect, but before the commit, leaves neither entries nor a moved cursor."""
    await _numbered(source, 5)

    async def dies(connection: Connection, changes: Sequence[Change]) -> None:
        if not before:
            await record.record_changes(connection, changes)
        raise KilledError

    with pytest.raises(KilledError):
        await _consumer(source, ledger, dies).catch_up()
    assert await ledger.entries() == []
    survivor = _consumer(source, ledger)
    await survivor.catch_up()
    await survivor.catch_up()
    assert await ledger.entries() == [(1, n) for n in range(1, 6)]


async def test_catch_up_more_than_a_page_applies_all(source: Source, ledger: Ledger) -> None:
    """A long absence is made up for page by page."""
    async with source.service.system.connection() as connection:
        await connection.execute(
            "INSERT INTO outbox (account_id, header, salt, payload) SELECT $1, $2, $3, ''"
            " FROM generate_series(1, 1201)",
            *await _one_change(source),
        )
    await _numbered(source, 0)
    await _consumer(source, ledger).catch_up()
    assert len(await ledger.entries()) == 1202


async def _one_change(source: Source) -> tuple[object, ...]:
    await _numbered(source, 1)
    async with source.service.system.connection() as connection:
        return tuple(await connection.fetchrow("SELECT account_id, header, salt FROM changes"))


async def test_catch_up_source_went_back_within_one_epoch_is_an_alarm(source: Source, ledger: Ledger) -> None:
    """A record that was changed behind everybody's back is not believed."""
    await _numbered(source, 3)
    consumer = _consumer(source, ledger)
    await consumer.catch_up()
    async with source.service.system.transaction() as connection:
        await connection.execute("DELETE FROM changes WHERE position > 1")
        await connection.execute("UPDATE relay_head SET position = 1")
    with pytest.raises(SourceWentBack):
        await consumer.catch_up()
    assert len(await ledger.entries()) == 3


async def test_run_source_went_back_makes_the_service_not_ready(source: Source, ledger: Ledger) -> None:
    """A service that consumes no more says so to whoever asks whether to call it, and is still alive."""
    await _numbered(source, 3)
    consumer = _consumer(source, ledger)
    await consumer.catch_up()
    async with source.service.system.transaction() as connection:
        await connection.execute("UPDATE relay_head SET position = 1")
    server = ledger.service.server()
    address = await server.start("127.0.0.1:0")
    readiness = Readiness(server, ledger.service.system, [consumer])
    assert await readiness.problems() == []
    async with grpc.aio.insecure_channel(address) as channel, running(consumer.run, readiness.run):
        health = health_pb2_grpc.HealthStub(channel)

        async def says(name: str) -> str:
            answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
            return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

        await until(lambda: _is(says(""), "NOT_SERVING"))
        assert await says(LIVE) == "SERVING"
    await server.stop(0)


async def _is(answer: Awaitable[str], wanted: str) -> bool:
    return await answer == wanted


async def test_catch_up_restored_source_before_its_new_epoch_waits(source: Source, ledger: Ledger) -> None:
    """Between a restore and the new epoch the source tells no head, so that nobody takes it for one that went back."""
    await _numbered(source, 3)
    consumer = _consumer(source, ledger)
    await consumer.catch_up()
    await source.restore_to(1)
    with pytest.raises(Unavailable) as refusal:
        await consumer.catch_up()
    assert refusal.value.reason == DatabaseUnavailable.reason
