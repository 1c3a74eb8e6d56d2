"""Keys: what they may do, how long they work, and that their secrets are shown once."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
import grpc
from stateroom.workspace.v1 import identity_service_pb2 as pb
from stateroom.workspace.v1 import workspace_service_pb2

from chassis import ids
from tests.support import waiting
from tests.support.people import Person
from tests.support.refusals import refused
from tests.support.source import query

REVOKED_WITHIN = 5.0
"""Seconds after which a revoked key must be refused everywhere."""

_USE = "SELECT pg_advisory_xact_lock_shared(hashtextextended('api key ' || $1, 0))"
"""What a transaction does that makes a key with another."""


async def _revoke(person: Person, key: pb.ApiKey, **values: str) -> pb.ApiKey:
    request = pb.RevokeApiKeyRequest(api_key_id=key.api_key_id, **values)
    return await person.keys.RevokeApiKey(request, metadata=person.metadata)


async def test_create_api_key_with_scopes_may_do_only_that(person: Person) -> None:
    """A key for reading does not write."""
    reader = person.with_key(await person.create_key("workspaces.read"))
    assert await reader.list_rooms() == []
    refusal = await refused(reader.create_room())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING")
    assert refusal.values == {"permission": "workspaces.write"}


async def test_create_api_key_by_a_narrow_key_gives_no_more_than_it_has(person: Person) -> None:
    """A key can be narrowed, never widened; without scopes the new key has those of its maker."""
    maker = person.with_key(await person.create_key("api_keys.write", "workspaces.read"))
    assert list((await maker.create_key("workspaces.read")).api_key.scopes) == ["workspaces.read"]
    assert list((await maker.create_key()).api_key.scopes) == ["api_keys.write", "workspaces.read"]
    for scopes, lacking in ((("workspaces.write",), "workspaces.write"), (("*",), "*")):
        refusal = await refused(maker.create_key(*scopes))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_NOT_HELD")
        assert refusal.values == {"scope": lacking}


async def test_create_api_key_that_expired_is_refused_and_one_that_expires_stops_working(person: Person) -> None:
    """An instant in the past is a mistake; one in the future ends the key."""
    wanted = pb.ApiKey(name="short")
    wanted.expire_time.FromDatetime(datetime.now(UTC) - timedelta(seconds=1))
    refusal = await refused(person.keys.CreateApiKey(pb.CreateApiKeyRequest(api_key=wanted), metadata=person.metadata))
    assert (refusal.reason, refusal.fields) == ("INVALID_FIELD", ("api_key.expire_time",))
    wanted.expire_time.FromDatetime(datetime.now(UTC) + timedelta(seconds=1))
    created = await person.keys.CreateApiKey(pb.CreateApiKeyRequest(api_key=wanted), metadata=person.metadata)
    short = person.with_key(created)
    await waiting.until(lambda: _is_refused(short), seconds=1 + REVOKED_WITHIN)


async def test_create_api_key_by_a_key_that_expires_does_not_outlive_it(person: Person) -> None:
    """A key for an hour is no way to one for ever: what it makes ends with it at the latest."""
    wanted = pb.ApiKey(name="hour")
    wanted.expire_time.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    created = await person.keys.CreateApiKey(pb.CreateApiKeyRequest(api_key=wanted), metadata=person.metadata)
    hour = person.with_key(created)
    assert (await hour.create_key()).api_key.expire_time == created.api_key.expire_time
    wanted.expire_time.FromDatetime(datetime.now(UTC) + timedelta(hours=2))
    refusal = await refused(person.keys.CreateApiKey(pb.CreateApiKeyRequest(api_key=wanted), metadata=hour.metadata))
    assert (refusal.reason, refusal.fields) == ("INVALID_FIELD", ("api_key.expire_time",))


async def test_create_api_key_by_a_key_just_revoked_is_refused_at_once(person: Person) -> None:
    """The seconds in which a revoked key is still believed are not enough to make another one with it."""
    created = await person.create_key()
    stolen = person.with_key(created)
    await stolen.list_rooms()
    await _revoke(person, created.api_key)
    refusal = await refused(stolen.create_key())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "CREDENTIAL_INVALID")


async def test_revoke_api_key_in_use_waits_for_that_use_and_goes_before_the_next(person: Person) -> None:
    """Constant use does not put a revocation off, and no key that is made with the revoked one commits after it."""
    created = await person.create_key()
    stolen = person.with_key(created)
    await stolen.list_rooms()
    admin_url = person.product.installation.admin_url
    using = await asyncpg.connect(admin_url)
    try:
        await using.execute("BEGIN")
        await using.execute(_USE, created.api_key.api_key_id)
        async with asyncio.TaskGroup() as group:
            revoking = group.create_task(_revoke(person, created.api_key))
            await waiting.until(partial(_wait, admin_url, 1))
            later = group.create_task(refused(stolen.create_key()))
            await waiting.until(partial(_wait, admin_url, 2))
            await using.execute("COMMIT")
    finally:
        await using.close()
    assert revoking.result().state == pb.ApiKey.REVOKED
    assert later.result().reason == "CREDENTIAL_INVALID"


async def _wait(admin_url: str, number: int) -> bool:
    """Return whether that many callers wait for a key."""
    rows = await query(admin_url, "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    return len(rows) == number


async def test_revoke_api_key_stops_it_within_seconds(person: Person) -> None:
    """A key that is in use is refused within five seconds, and stays revoked."""
    other = person.with_key(await person.create_key())
    assert await other.list_rooms() == []
    revoked = await _revoke(person, other.key)
    began = time.monotonic()
    assert revoked.state == pb.ApiKey.REVOKED
    assert revoked.HasField("revoke_time")
    await waiting.until(lambda: _is_refused(other))
    assert time.monotonic() - began < REVOKED_WITHIN
    refusal = await refused(_revoke(person, other.key))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "API_KEY_REVOKED")


async def test_revoke_api_key_from_a_stale_version_is_aborted(person: Person) -> None:
    """Of two who decide on one version, one wins."""
    key = (await person.create_key()).api_key
    answers = await asyncio.gather(*(_revoke(person, key, etag=key.etag) for _ in range(2)), return_exceptions=True)
    assert sum(isinstance(answer, pb.ApiKey) for answer in answers) == 1
    refusal = await refused(_revoke(person, key, etag=key.etag))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_revoke_api_key_repeated_with_its_request_id_answers_again(person: Person) -> None:
    """A repetition is no second revocation."""
    key, request_id = (await person.create_key()).api_key, str(ids.new())
    assert await _revoke(person, key, request_id=request_id) == await _revoke(person, key, request_id=request_id)


async def test_create_api_key_repeated_with_its_request_id_answers_without_the_secret(person: Person) -> None:
    """The secret exists in the first answer only, and there is one key."""
    request = pb.CreateApiKeyRequest(api_key=pb.ApiKey(name="once"), request_id=str(ids.new()))
    answers = await asyncio.gather(
        *(person.keys.CreateApiKey(request, metadata=person.metadata) for _ in range(3)),
    )
    answers.append(await person.keys.CreateApiKey(request, metadata=person.metadata))
    assert {answer.api_key.api_key_id for answer in answers} == {answers[0].api_key.api_key_id}
    assert sum(bool(answer.secret) for answer in answers) == 1
    assert not answers[-1].secret
    request.api_key.name = "twice"
    refusal = await refused(person.keys.CreateApiKey(request, metadata=person.metadata))
    assert refusal.reason == "REQUEST_ID_REUSED"


async def test_list_api_keys_pages_and_narrows(person: Person) -> None:
    """Pages join without a gap; filters keep what they name, and a wildcard in one is a letter."""
    made = [person.key] + [(await person.create_key(name=f"k{number}")).api_key for number in range(4)]
    await _revoke(person, made[1])
    seen, token = [], ""
    for _ in range(3):
        request = pb.ListApiKeysRequest(page_size=2, page_token=token)
        page = await person.keys.ListApiKeys(request, metadata=person.metadata)
        seen += [key.api_key_id for key in page.api_keys]
        token = page.next_page_token
    assert (seen, token) == ([key.api_key_id for key in reversed(made)], "")
    for request, count in (
        (pb.ListApiKeysRequest(state=pb.ApiKey.REVOKED), 1),
        (pb.ListApiKeysRequest(key_prefix=made[0].key_prefix[:4]), 5),
        (pb.ListApiKeysRequest(key_prefix="%"), 0),
        (pb.ListApiKeysRequest(key_prefix="srk%"), 0),
    ):
        assert len((await person.keys.ListApiKeys(request, metadata=person.metadata)).api_keys) == count


async def test_secret_of_a_key_is_stored_nowhere(person: Person) -> None:
    """Neither tables nor changes hold it: only its digest is kept."""
    created = await person.create_key()
    secret = created.secret.split("_")[2]
    url = person.product.installation.url("workspace_system")
    tables = ("api_keys", "outbox", "changes", "idempotency", "users")
    for table in tables:
        rows = await query(url, f"SELECT t::text FROM {table} AS t")  # noqa: S608  # names of our own
        assert rows or table in {"outbox", "idempotency"}
        assert not [row for row in rows if secret in row[0] or secret.encode().hex() in row[0]]


async def _is_refused(person: Person) -> bool:
    try:
        await person.rooms.ListWorkspaces(workspace_service_pb2.ListWorkspacesRequest(), metadata=person.metadata)
    except grpc.aio.AioRpcError as exc:
        assert exc.code() is grpc.StatusCode.UNAUTHENTICATED  # noqa: PT017  # polled until it is so
        return True
    return False
