"""Steps that make HTTP requests: what is asked, what comes of the answer, and what is not reached."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.json_format import MessageToDict
from stateroom.execution.v1 import execution_pb2

from tests.integration.execution.test_logs import lines
from tests.support.execution_stage import ExecutionStage
from tests.support.sites import ALLOWED, Site, open_site

pytestmark = pytest.mark.asyncio(loop_scope="session")

State = execution_pb2.Execution.State


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    """Return a server where the service may reach it."""
    async with open_site() as opened:
        yield opened


async def call(stage: ExecutionStage, url: str, **step: Any) -> tuple[execution_pb2.Execution, Any]:
    """Run a step that makes a request; returns the execution and its output."""
    api = {"url": f"'{url}'"} | step.pop("api", {})
    ended = await stage.ended(await stage.start([{"key": "ask", "api": api, **step}]))
    return ended, MessageToDict(ended).get("output")


async def reason(stage: ExecutionStage, url: str, **step: Any) -> str:
    """Run a step whose request fails; returns why."""
    ended, _ = await call(stage, url, **step)
    assert ended.state == State.FAILED
    return ended.failure.reason


async def test_api_step_returns_the_answer_and_logs_what_was_asked(stage: ExecutionStage, site: Site) -> None:
    """Inputs are the query, which the log does not show; JSON comes as JSON, and what else there is as text."""
    site.answer("/items", b'{"n": [1, "\\u0000", 1e999]}', content_type="application/json", X_Other="a")
    site.answer("/text", b"hello")
    ended, output = await call(stage, f"{site.url}/items", inputs={"q": "'a b'", "n": "3"})
    assert output == {
        "status": 200.0,
        "headers": {"content-type": "application/json"},
        "body": {"n": [1.0, "\N{REPLACEMENT CHARACTER}", None]},
    }
    asked, headers, _ = site.asked[0]
    assert asked == "GET /items?n=3&q=a+b"
    assert headers["host"] == site.url.removeprefix("http://")
    assert [line.message for line in await lines(stage, ended.execution_id)] == [f"GET {site.url}/items: 200"]
    assert (await call(stage, f"{site.url}/text"))[1]["body"] == "hello"


async def test_api_step_that_posts_sends_its_inputs_and_a_key_that_repetitions_have_too(
    stage: ExecutionStage, site: Site
) -> None:
    """So that whoever is asked twice can tell."""
    site.answer("/make", b"busy", status="503 Busy")
    step = {"inputs": {"n": "1 + 1"}, "onError": "RETRY", "retryCount": 1, "retryDelay": "0.01s"}
    api = {"method": "POST", "headers": {"X-Mine": "yes"}}
    assert await reason(stage, f"{site.url}/make", api=api, **step) == "HTTP_STATUS"
    (first, second) = site.asked
    assert (first[0], json.loads(first[2]), first[1]["x-mine"]) == ("POST /make", {"n": 2}, "yes")
    assert first[1]["idempotency-key"] == second[1]["idempotency-key"]


async def test_api_step_follows_redirects_that_are_allowed_and_not_many(stage: ExecutionStage, site: Site) -> None:
    """A redirect is checked as the first address is, and takes nothing elsewhere."""
    site.answer("/old", status="301 Moved", location="/new")
    site.answer("/new", b"here")
    site.answer("/round", status="302 Found", location="/round")
    site.answer("/inside", status="302 Found", location="http://127.0.0.1:8000/")
    site.answer("/send", status="307 Away", location=site.url.replace(ALLOWED, "127.0.0.3"))
    assert (await call(stage, f"{site.url}/old"))[1]["body"] == "here"
    assert await reason(stage, f"{site.url}/round") == "TOO_MANY_REDIRECTS"
    assert await reason(stage, f"{site.url}/inside") == "DESTINATION_NOT_ALLOWED"
    assert await reason(stage, f"{site.url}/send", api={"method": "POST"}) == "REDIRECT_NOT_ALLOWED"


async def test_api_step_with_an_answer_that_is_too_much_fails(stage: ExecutionStage, site: Site) -> None:
    """Too large, compressed though nobody asked for that, or too late."""
    site.answer("/large", b"a" * 300_000)
    site.answer("/bomb", b"a", content_encoding="gzip")
    site.answer("/late", b"a", content_length="10", connection="keep-alive")
    assert await reason(stage, f"{site.url}/large") == "ANSWER_TOO_LARGE"
    assert await reason(stage, f"{site.url}/bomb") == "ANSWER_ENCODED"
    assert await reason(stage, f"{site.url}/late", timeout="2s") in {"TIMED_OUT", "REQUEST_FAILED"}


async def test_api_step_to_a_server_whose_certificate_nobody_vouches_for_fails(
    stage: ExecutionStage, tmp_path: Path
) -> None:
    """Nothing is sent to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*_own_certificate(tmp_path))
    site = Site()
    async with await asyncio.start_server(site.serve, ALLOWED, 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        assert await reason(stage, f"https://{ALLOWED}:{port}/") == "TLS_FAILED"
    assert site.asked == []


def _own_certificate(folder: Path) -> tuple[str, str]:
    """Make a certificate that is signed by itself; returns its file and that of its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address(ALLOWED))])
    made = builder.add_extension(address, critical=True)
    (folder / "certificate").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key").write_bytes(key.private_bytes(*form))
    return str(folder / "certificate"), str(folder / "key")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:8000/", "DESTINATION_NOT_ALLOWED"),
        ("http://0xA9FEA9FE/latest", "DESTINATION_NOT_ALLOWED"),
        ("http://[::ffff:169.254.169.254]/", "DESTINATION_NOT_ALLOWED"),
        ("http://127.0.0.2:22/", "PORT_NOT_ALLOWED"),
        ("http://ada:secret@127.0.0.2/", "INVALID_URL"),
        ("file:///etc/passwd", "INVALID_URL"),
        ("nothing", "INVALID_URL"),
    ],
)
async def test_api_step_to_where_nothing_may_go_fails(stage: ExecutionStage, url: str, why: str) -> None:
    """However it is written."""
    assert await reason(stage, url) == why
