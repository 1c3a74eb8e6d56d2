"""Secrets of an account: kept sealed, shown to nobody, used by steps, and in nothing that comes of it."""

import asyncio
import base64
from typing import Any

import grpc
import pytest
from stateroom.execution.v1 import execution_pb2
from stateroom.execution.v1 import secret_service_pb2 as pb
from stateroom.execution.v1 import workflow_service_pb2 as workflow

from chassis import ids
from tests.integration.execution.test_api_steps import call, reason, site
from tests.integration.execution.test_logs import lines
from tests.support.execution_stage import ExecutionStage, definition
from tests.support.sites import ALLOWED, Site

__all__ = ["site"]
pytestmark = pytest.mark.asyncio(loop_scope="session")

VALUE = "a-very-secret-value"


async def keep(stage: ExecutionStage, name: str = "TOKEN", value: str = VALUE) -> pb.Secret:
    """Set a secret."""
    kept: pb.Secret = await stage.call("SetSecret", pb.SetSecretRequest(name=name, value=value))
    return kept


async def names(stage: ExecutionStage) -> list[str]:
    """Return the names of the account's secrets."""
    return [each.name for each in (await stage.call("ListSecrets", pb.ListSecretsRequest())).secrets]


def headers(**secrets: str) -> dict[str, Any]:
    """Return the part of a step that sends secrets."""
    return {
        "secretHeaders": [{"name": name, "secretName": secret, "prefix": "Bearer "} for name, secret in secrets.items()]
    }


async def test_set_secret_keeps_it_sealed_and_again_replaces_it(stage: ExecutionStage) -> None:
    """The value is in no row, neither of it nor of its change; the name and the id stay."""
    first, second = await keep(stage), await keep(stage, value="another value")
    assert (first.secret_id, first.user_id) == (second.secret_id, str(stage.user_id))
    assert second.update_time.ToNanoseconds() > first.update_time.ToNanoseconds()
    (row,) = await stage.rows("SELECT sealed FROM secrets WHERE account_id = $1", stage.account_id)
    assert b"another value" not in row["sealed"]
    payloads = await stage.rows("SELECT payload FROM outbox WHERE account_id = $1", stage.account_id)
    assert not any(b"secret-value" in each["payload"] or b"another" in each["payload"] for each in payloads)
    repeats = await stage.rows("SELECT * FROM idempotency WHERE account_id = $1", stage.account_id)
    assert repeats == []


async def test_delete_secret_destroys_it_in_its_account_alone(stage: ExecutionStage) -> None:
    """Somebody else's of the same name stays; what is gone is not found."""
    await keep(stage)
    mine, stage.account_id = stage.account_id, ids.new()
    assert await names(stage) == []
    await keep(stage)
    await stage.call("DeleteSecret", pb.DeleteSecretRequest(name="TOKEN"))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stage.call("DeleteSecret", pb.DeleteSecretRequest(name="TOKEN"))
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND
    stage.account_id = mine
    assert await names(stage) == ["TOKEN"]


async def test_set_secret_for_the_first_time_by_two_at_once_keeps_one(stage: ExecutionStage) -> None:
    """The other one replaces it, or is told to try again."""
    both = await asyncio.gather(keep(stage), keep(stage), return_exceptions=True)
    assert all(not isinstance(each, grpc.aio.AioRpcError) or each.code() == grpc.StatusCode.ABORTED for each in both)
    assert await names(stage) == ["TOKEN"]


async def test_set_secret_beyond_the_limit_or_of_a_version_that_is_gone_is_refused(stage: ExecutionStage) -> None:
    """One that is there can be replaced all the same."""
    first = await keep(stage)
    await keep(stage, value="another value")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stage.call("SetSecret", pb.SetSecretRequest(name="TOKEN", value=VALUE, etag=first.etag))
    assert raised.value.code() == grpc.StatusCode.ABORTED
    more = """
        INSERT INTO secrets (secret_id, account_id, name, sealed, user_id, version, create_time, update_time)
        SELECT gen_random_uuid(), $1, 'N' || number, '', $1, 1, now(), now() FROM generate_series(1, 255) AS number
    """
    await stage.rows(more, stage.account_id)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await keep(stage, "MORE")
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    await keep(stage)


async def test_api_step_sends_a_secret_and_shows_it_nowhere(stage: ExecutionStage, site: Site) -> None:
    """Not even when the other side sends it back, as it is or in base64."""
    await keep(stage)
    echoed = base64.b64encode(f"x:{VALUE}".encode()).decode()
    site.answer("/echo", f"{VALUE} {echoed}".encode())
    ended, output = await call(stage, f"{site.url}/echo", api=headers(Authorization="TOKEN"))
    assert site.asked[0][1]["authorization"] == f"Bearer {VALUE}"
    assert output["body"].startswith("[secret TOKEN] ")
    assert echoed not in output["body"]
    said = [line.message for line in await lines(stage, ended.execution_id)]
    rows = await stage.rows("SELECT step_executions::text FROM step_executions WHERE execution_id = $1", _id(ended))
    assert VALUE not in f"{ended}{said}{rows}"


async def test_api_step_with_a_secret_takes_it_nowhere_else(stage: ExecutionStage, site: Site) -> None:
    """A redirect to another origin goes there without; without TLS it goes into allowed networks only."""
    await keep(stage)
    other = Site()
    async with await asyncio.start_server(other.serve, ALLOWED, 0) as server:
        other.answer("/", b"hello")
        site.answer("/away", status="302 Found", location=f"http://{ALLOWED}:{server.sockets[0].getsockname()[1]}/")
        await call(stage, f"{site.url}/away", api=headers(Authorization="TOKEN"))
    assert "authorization" in site.asked[0][1]
    assert "authorization" not in other.asked[0][1]
    assert await reason(stage, "http://1.1.1.1/", api=headers(Authorization="TOKEN")) == "SECRET_IN_THE_CLEAR"


async def test_api_step_with_a_secret_that_cannot_be_used_fails(stage: ExecutionStage, site: Site) -> None:
    """One that is not there, one that no header can hold, and one whose bytes were copied from another account."""
    assert await reason(stage, site.url, api=headers(Authorization="NOBODYS")) == "SECRET_NOT_FOUND"
    await keep(stage, "LINES", "two lines\nof text")
    assert await reason(stage, site.url, api=headers(Authorization="LINES")) == "SECRET_NOT_FOR_HEADERS"
    await keep(stage)
    copied = "UPDATE secrets SET name = 'COPY' WHERE account_id = $1 AND name = 'TOKEN'"
    await stage.rows(copied, stage.account_id)
    assert await reason(stage, site.url, api=headers(Authorization="COPY")) == "SECRET_UNOPENABLE"
    assert site.asked == []


async def test_create_workflow_with_a_header_twice_or_set_by_itself_is_refused(stage: ExecutionStage) -> None:
    """Each problem is told with its field."""
    api = {"url": "'https://example.com'", "headers": {"X-Key": "a"}} | headers(**{"x-key": "A", "Host": "B"})
    steps = definition([{"key": "ask", "api": api}])
    request = workflow.CreateWorkflowRequest()
    request.workflow.name = "a"
    request.workflow.definition.CopyFrom(steps)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await stage.call("CreateWorkflow", request)
    assert "INVALID_WORKFLOW" in str(raised.value.trailing_metadata())
    assert "api.secret_headers[Host]" in str(raised.value.trailing_metadata())


def _id(execution: execution_pb2.Execution) -> Any:
    return ids.parse(execution.execution_id)
