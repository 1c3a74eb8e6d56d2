"""Transactions: repeated requests, rivals, retries, and roles that must not serve."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Text, column, select, table, text
from sqlalchemy import Uuid as SqlUuid
from stateroom.event.v1.change_pb2 import ChangeHeader

from chassis import ids
from chassis.actor import RepeatKey
from chassis.database import ATTEMPTS, Database, Transaction
from chassis.errors import DatabaseUnavailable, RequestIdReused, TransactionConflict
from chassis.pool import Pool, open_pool
from chassis.retention import REQUEST_IDS, Retention
from chassis.settings import ServiceSettings
from chassis.sql import Connection
from tests.support import rooms
from tests.support.installation import Installation
from tests.support.source import Source, query

ACCOUNT = ids.new()
REQUEST = ids.new()


def _repeat(content: bytes = b"content", method: str = "/rooms/Create") -> RepeatKey:
    return RepeatKey(REQUEST, method, sha256(content).digest())


async def _create(source: Source, repeat: RepeatKey, name: str = "a") -> rooms.Room:
    actor = rooms.actor(ACCOUNT, repeat=repeat)
    return await source.service.database.write(actor, rooms.create_room, name=name)


async def _count(source: Source, table: str) -> int:
    rows = await query(source.installation.url("workspace_system"), f"SELECT count(*) FROM {table}")  # noqa: S608  # a table's name
    return int(rows[0][0])


async def test_write_same_request_id_twice_has_one_effect(source: Source) -> None:
    """The second answer is the room as it is now; neither a room nor a change is added."""
    first = await _create(source, _repeat())
    renamed = await source.rename(ACCOUNT, first.entity_id, "b")
    assert await _create(source, _repeat()) == renamed
    assert (await _count(source, "rooms"), await _count(source, "outbox")) == (1, 2)


async def test_write_same_request_id_again_keeps_its_connection(source: Source) -> None:
    """A repetition ends its transaction, so that the connection serves on; whoever repeats costs nobody a new one."""

    async def backend(connection: Connection) -> int:
        return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())

    await _create(source, _repeat())
    before = await source.service.database.read(rooms.actor(ACCOUNT), backend)
    await _create(source, _repeat())
    assert await source.service.database.read(rooms.actor(ACCOUNT), backend) == before


@pytest.mark.parametrize("other", [_repeat(b"other"), _repeat(method="/rooms/Rename")])
async def test_write_same_request_id_for_another_request_is_refused(source: Source, other: RepeatKey) -> None:
    """A request id belongs to one method and one content."""
    await _create(source, _repeat())
    with pytest.raises(RequestIdReused):
        await _create(source, other)
    assert await _count(source, "rooms") == 1


async def test_write_same_request_id_of_two_callers_at_once_has_one_effect(source: Source) -> None:
    """Of rivals one acts, and all get the same answer."""
    answers = await asyncio.gather(*(_create(source, _repeat()) for _ in range(6)))
    assert len({room.entity_id for room in answers}) == 1
    assert (await _count(source, "rooms"), await _count(source, "outbox")) == (1, 1)


async def test_write_failed_operation_frees_its_request_id(source: Source) -> None:
    """What rolled back leaves no row, no change and no claim."""
    with pytest.raises(rooms.RolledBackError):
        await source.service.database.write(
            rooms.actor(ACCOUNT, repeat=_repeat()), rooms.create_room, name="a", fail=True
        )
    assert [await _count(source, table) for table in ("rooms", "outbox", "idempotency")] == [0, 0, 0]
    await _create(source, _repeat())


async def test_sweep_forgets_request_ids_after_a_day_and_none_before(source: Source) -> None:
    """What a client may still repeat is kept, whatever else is old."""
    old, young = ids.new(), ids.new()
    for request_id in (old, young):
        await _create(source, replace(_repeat(), request_id=request_id))
    await query(
        source.installation.admin_url,
        "UPDATE workspace.idempotency SET create_time = now() - interval '24 hours' WHERE request_id = $1",
        old,
    )
    await Retention(source.service.system, REQUEST_IDS).sweep()
    rows = await query(source.installation.url("workspace_system"), "SELECT request_id FROM idempotency")
    assert [row["request_id"] for row in rows] == [young]


@pytest.mark.parametrize(("failures", "succeeds"), [(ATTEMPTS - 1, True), (ATTEMPTS, False)])
async def test_write_serialization_failure_is_tried_again(source: Source, failures: int, *, succeeds: bool) -> None:
    """Rivals are met with another try; at the end with a Conflict, and nothing applied."""
    tries = 0

    async def contended(tx: Transaction) -> rooms.Room:
        nonlocal tries
        tries += 1
        room = await rooms.create_room(tx, name="a")
        if tries <= failures:
            await tx.connection.execute(text("DO $$ BEGIN RAISE serialization_failure; END $$"))
        return room

    writing = source.service.database.write(rooms.actor(ACCOUNT), contended)
    if succeeds:
        await writing
    else:
        with pytest.raises(TransactionConflict):
            await writing
    assert await _count(source, "rooms") == await _count(source, "outbox") == int(succeeds)


@pytest.mark.parametrize("role", ["superuser", "bypass", "owner"])
async def test_open_pool_role_above_row_security_is_refused(installation: Installation, role: str) -> None:
    """A service does not start as a role that could see every account."""
    url = {"superuser": installation.admin_url}.get(role, "")
    if role != "superuser":
        options = {"bypass": "BYPASSRLS", "owner": ""}[role]
        name = f"test_{role}"
        await query(installation.admin_url, f"DROP ROLE IF EXISTS {name}")
        await query(installation.admin_url, f"CREATE ROLE {name} LOGIN PASSWORD '{name}' {options}")
        if role == "owner":
            await query(installation.admin_url, f"CREATE SCHEMA AUTHORIZATION {name} CREATE TABLE own (x int)")
        url = installation.url(name)
    settings = ServiceSettings(**installation.settings("workspace", database_url=url))
    with pytest.raises(RuntimeError, match="superuser"):
        async with open_pool(settings):
            pytest.fail("the pool opened")
    if role == "owner":
        await query(installation.admin_url, "DROP OWNED BY test_owner")


async def test_read_is_read_only(source: Source) -> None:
    """A query cannot write."""

    async def writes(connection: Connection) -> None:
        await connection.execute(text("DELETE FROM rooms"))

    with pytest.raises(asyncpg.ReadOnlySQLTransactionError, match="read-only transaction"):
        await source.service.database.read(rooms.actor(ACCOUNT), writes)


async def test_read_of_many_accounts_on_few_connections_sees_its_own_rows_only(source: Source) -> None:
    """A connection keeps showing an account's rows, and never to another: after writes, failures and cancellations."""
    accounts = [ids.new() for _ in range(5)]
    rows = {account: (await source.create(account)).entity_id for account in accounts}
    pool = Pool(source.installation.url("workspace"), size=2)
    database = Database(pool, rooms.REGISTRY, lambda: None)

    async def disturb(account: UUID, number: int) -> None:
        with suppress(rooms.RolledBackError, TimeoutError, DatabaseUnavailable):
            async with asyncio.timeout(0.001 * (number % 4)):
                await database.read(rooms.actor(account), _sleep)
            await database.write(rooms.actor(account), rooms.create_room, name="b", fail=True)

    async def look(account: UUID, number: int) -> None:
        if number % 3 == 0:
            await disturb(account, number)
        assert await database.read(rooms.actor(account), _seen) == [rows[account]]

    await asyncio.gather(*(look(account, number) for number in range(40) for account in accounts))
    await pool.close()


async def _seen(connection: Connection) -> list[UUID]:
    return list((await connection.execute(text("SELECT room_id FROM rooms"))).scalars())


async def _sleep(connection: Connection) -> None:
    await connection.execute(text("SELECT pg_sleep(0.05)"))


async def test_read_cancelled_at_any_answer_leaves_no_transaction_to_the_next_writer(source: Source) -> None:
    """Between preparing a statement and running it the driver has a transaction open that nobody began."""
    pool = Pool(source.installation.url("workspace"), size=1)
    database = Database(pool, rooms.REGISTRY, lambda: None)
    actor = rooms.actor(ACCOUNT)

    async def look(connection: Connection, number: int) -> None:
        await connection.execute(text(f"SELECT {number}"))  # not prepared before

    async def cancelled_at(answers: int) -> bool:
        async with asyncio.TaskGroup() as group:
            return await _cancelled_at(answers, group.create_task(database.read(actor, look, answers)))

    answers = 0
    while await cancelled_at(answers):
        answers += 1
        await database.write(actor, rooms.create_room, name=f"after {answers}")
    assert answers > 1
    await pool.close()


async def _cancelled_at(answers: int, reading: "asyncio.Task[None]") -> bool:
    """Cancel a task when what it waits for has come so many times and once more; return whether it was before its end.

    A task that is cancelled when the answer is there, and has not been looked at, gets no answer.
    """
    seen = None
    while not reading.done():
        waits_for = reading._fut_waiter  # type: ignore[attr-defined]  # noqa: SLF001  # nothing public says it
        if waits_for is not None and waits_for.done() and waits_for is not seen:
            seen, answers = waits_for, answers - 1
            if answers < 0:
                reading.cancel()
        await asyncio.sleep(0)
    return reading.cancelled()


async def test_lease_of_a_connection_left_in_a_transaction_is_of_a_new_one(source: Source) -> None:
    """What somebody did not end is nobody else's."""
    pool = Pool(source.installation.url("workspace"), size=1)
    async with pool.lease() as connection:
        await connection.driver.execute("BEGIN")
        left = connection.driver.get_server_pid()
    async with pool.lease() as connection:
        assert connection.driver.get_server_pid() != left
    await pool.close()


async def test_execute_in_with_other_values_finds_those(source: Source) -> None:
    """The compiled form of a statement holds none of the values it was compiled with."""
    made = [(await source.create(ACCOUNT, name)).entity_id for name in "abc"]
    named = table("rooms", column("room_id", SqlUuid), column("name", Text))

    async def find(connection: Connection, names: str) -> set[UUID]:
        found = await connection.execute(select(named.c.room_id).where(named.c.name.in_(tuple(names))))
        return set(found.scalars())

    actor = rooms.actor(ACCOUNT)
    assert await source.service.database.read(actor, find, "ab") == set(made[:2])
    assert await source.service.database.read(actor, find, "bc") == set(made[1:])
    assert await source.service.database.read(actor, find, "c") == set(made[2:])


async def test_write_within_another_account_records_there_and_settles_the_request_here(source: Source) -> None:
    """Row security shows the account that was entered and no other; changes belong where they were made, in order."""
    other, rows = ids.new(), []

    async def both(tx: Transaction) -> rooms.Room:
        first = await rooms.create_room(tx, name="a")
        async with tx.within(other):
            await rooms.create_room(tx, name="b")
            rows.append(await _names(tx.connection))
        rows.append(await _names(tx.connection))
        return await rooms.rename_room(tx, room_id=first.entity_id, name="c")

    made = await source.service.database.write(rooms.actor(ACCOUNT, repeat=_repeat()), both)
    assert await source.service.database.write(rooms.actor(ACCOUNT, repeat=_repeat()), both) == made
    assert rows == [["b"], ["a"]]
    url = source.installation.url("workspace_system")
    recorded = await query(url, "SELECT account_id, header FROM outbox ORDER BY id")
    assert [row["account_id"] for row in recorded] == [ACCOUNT, other, ACCOUNT]
    told = [ChangeHeader.FromString(row["header"]).account_id for row in recorded]
    assert told == [str(row["account_id"]) for row in recorded]


async def test_write_that_fails_within_another_account_leaves_nothing(source: Source) -> None:
    """Neither there nor here, and the next transaction of the connection acts where it says."""

    async def fails(tx: Transaction) -> rooms.Room:
        await rooms.create_room(tx, name="a")
        async with tx.within(ids.new()):
            return await rooms.create_room(tx, name="b", fail=True)

    with pytest.raises(rooms.RolledBackError):
        await source.service.database.write(rooms.actor(ACCOUNT), fails)
    assert [await _count(source, table) for table in ("rooms", "outbox")] == [0, 0]
    await source.create(ACCOUNT)
    assert await source.service.database.read(rooms.actor(ACCOUNT), _names) == ["a"]


async def _names(connection: Connection) -> list[str]:
    return list((await connection.execute(text("SELECT name FROM rooms ORDER BY name"))).scalars())
