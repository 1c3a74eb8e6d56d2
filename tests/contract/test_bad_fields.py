"""Every field of every method for people refuses what breaks its rules, names itself, and changes nothing."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf.field_mask_pb2 import FieldMask

from tests.support.bad_values import bad_values
from tests.support.contracts import Rpc
from tests.support.people import Person, newcomer
from tests.support.product import SERVICES, Product
from tests.support.refusals import Refusal, refused
from tests.support.requests import call, example, places, put, served, service_of
from tests.support.source import query

OTHER_REASONS = {
    "page_token": "INVALID_PAGE_TOKEN",
    "workspace.repository_url": "REPOSITORY_URL_NOT_ALLOWED",
}
"""Documented reasons beside INVALID_FIELD, for what a field's rules cannot say."""
TOKENS = ("x", "x" * 40, "💥", "AAAA====", "../../etc/passwd")
URLS = ("file:///etc/passwd", "ext::sh", "http://example.com/a", "https://a:b@example.com/a", "-x")
MASKS = tuple(FieldMask(paths=paths) for paths in (["nope"], ["name", "workspace.name"], ["metadata.a"], [""]))
BAD_IN_CONTEXT: dict[str, Sequence[Any]] = {
    "page_token": TOKENS,
    "update_mask": MASKS,
    "workspace.repository_url": URLS,
}

AT_START = {"execution.templates"}
"""Tables into which a service puts rows when it starts; what people put there is in `changes` as well."""


@pytest_asyncio.fixture
async def person(shared_product: Product) -> AsyncIterator[Person]:
    """Return somebody new."""
    async with newcomer(shared_product) as created:
        yield created


async def _rows(product: Product) -> dict[str, int]:
    """Return how many rows each table of every service has; the relay moves some of them, which changes no sum."""
    services = [service for service in SERVICES if service != "audit"]  # it follows the others in its own time
    url = product.installation.admin_url
    tables = await query(
        url,
        "SELECT relnamespace::regnamespace AS service, relname FROM pg_class"
        " WHERE relnamespace = ANY($1::regnamespace[]) AND relkind IN ('r', 'p')"
        " AND NOT relispartition AND relname NOT IN ('alembic_version', 'relay_head', 'cursors')",
        services,
    )
    names = {f"{table['service']}.{table['relname']}" for table in tables} - AT_START
    counted = (f"SELECT '{name.replace('outbox', 'changes')}' AS name, count(*) AS rows FROM {name}" for name in names)  # noqa: S608  # names of our own
    counts: dict[str, int] = {}
    for row in await query(url, " UNION ALL ".join(counted)):
        counts[row["name"]] = counts.get(row["name"], 0) + row["rows"]
    return counts


def _is_right(refusal: Refusal, path: str) -> bool:
    named = [field for field in refusal.fields if field == path or field.startswith((f"{path}[", f"{path}."))]
    expected = refusal.reason == "INVALID_FIELD" and named
    return refusal.code is grpc.StatusCode.INVALID_ARGUMENT and bool(
        expected or refusal.reason == OTHER_REASONS.get(path)
    )


@pytest.mark.parametrize("rpc", served(), ids=lambda rpc: str(rpc.descriptor.full_name))
async def test_rpc_with_one_bad_field_names_it_and_changes_nothing(rpc: Rpc, person: Person) -> None:
    """Each wrong value is INVALID_ARGUMENT with the path of its field; none is a fault of the server."""
    before = await _rows(person.product)
    wrong = []
    async with grpc.aio.insecure_channel(person.product.address(service_of(rpc))) as channel:
        for place in places(rpc.descriptor.input_type):
            for value in (*bad_values(place), *BAD_IN_CONTEXT.get(place.path, ())):
                request = example(rpc, {})
                put(request, place.path, value)
                refusal = await refused(call(channel, rpc, request, person.metadata))
                if not _is_right(refusal, place.path):
                    wrong.append((place.path, str(value)[:40], refusal))
    assert wrong == []
    assert await _rows(person.product) == before


@pytest.mark.parametrize("rpc", served(), ids=lambda rpc: str(rpc.descriptor.full_name))
async def test_rpc_with_bytes_that_are_no_message_is_invalid(rpc: Rpc, person: Person) -> None:
    """What cannot be read is the caller's mistake, not the server's."""
    async with grpc.aio.insecure_channel(person.product.address(service_of(rpc))) as channel:
        refusal = await refused(call(channel, rpc, b"\xff" * 11, person.metadata))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
