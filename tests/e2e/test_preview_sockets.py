"""WebSockets of a server in a room, through the gateway."""

import json

import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cli.client import Client, Json
from tests.support.embedded_stack import EmbeddedStack
from tests.support.previews import bearer, pass_of, visiting


async def test_websocket_carries_messages_both_ways(
    embedded_stack: EmbeddedStack, client: Client, preview: Json
) -> None:
    """Text and bytes of any size, with the subprotocol that the server chose and what the browser said of itself."""
    cookie = await pass_of(embedded_stack.api, client, preview)
    async with visiting(embedded_stack.api, preview, Cookie=cookie) as browser:
        origin = {"Origin": f"http://{browser.host}"}
        protocols = [websockets.Subprotocol("first"), websockets.Subprotocol("second")]
        async with browser.connect("/socket?x=1", origin, subprotocols=protocols) as socket:
            assert socket.subprotocol == "second"
            headers = dict(json.loads(await socket.recv()))
            assert (headers["host"], headers["origin"]) == (browser.host, origin["Origin"])
            assert "cookie" not in headers
            for message in ("grüße", b"\0\xff", "x" * 60_000, b"y" * 65_000, ""):
                await socket.send(message)
                assert await socket.recv() == message


async def test_websocket_close_codes_reach_the_other_side(embedded_stack: EmbeddedStack, preview: Json) -> None:
    """Whoever closes says why, and the other one learns it; a server that is just gone is an error."""
    api = embedded_stack.api
    async with visiting(api, preview, **bearer(api)) as program:
        for message, code, reason in (("close", 4321, "because"), ("die", 1011, "the server is gone")):
            async with program.connect("/socket") as socket:
                await socket.recv()
                await socket.send(message)
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
            assert (socket.close_code, socket.close_reason) == (code, reason)
        async with program.connect("/socket") as socket:
            await socket.recv()
            await socket.close(4000, "bye")
        closes: list[str] = []
        while (4000).to_bytes(2, "big").hex() not in closes:
            closes = [each[:4] for each in (await program.get("/closes")).json()["closes"]]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Origin": "http://evil.preview.localhost"}, 403), ({"Origin": "null"}, 403), ({"Cookie": "a=b"}, 401)],
)
async def test_websocket_of_another_origin_or_without_a_pass_is_refused_before_it_opens(
    embedded_stack: EmbeddedStack, client: Client, preview: Json, headers: dict[str, str], status: int
) -> None:
    """Browsers open WebSockets for any page, with cookies, so the origin decides."""
    cookie = await pass_of(embedded_stack.api, client, preview)
    async with visiting(embedded_stack.api, preview, Cookie=cookie) as browser:
        with pytest.raises(InvalidStatus) as refused:
            async with browser.connect("/socket", headers):
                pass
    assert refused.value.response.status_code == status


async def test_websocket_that_the_server_refuses_is_refused_as_it_says(
    embedded_stack: EmbeddedStack, preview: Json
) -> None:
    """A handshake at an ordinary page gets that page's status."""
    api = embedded_stack.api
    async with visiting(api, preview, **bearer(api)) as program:
        for path, status in (("/missing", 404), ("/", 200), ("/nonsense", 502)):
            with pytest.raises(InvalidStatus) as refused:
                async with program.connect(path):
                    pass
            assert refused.value.response.status_code == status


async def test_connect_preview_carries_bytes_as_they_are(embedded_stack: EmbeddedStack, preview: Json) -> None:
    """A program that speaks for itself reaches the port through the API, without any HTTP of ours in between."""
    api = embedded_stack.api
    url = f"{api.url.replace('http', 'ws', 1)}/v1/previews/{preview['previewId']}:connect"
    async with websockets.connect(url, additional_headers=bearer(api), proxy=None) as socket:
        assert json.loads(await socket.recv()) == {"connected": {}}
        await socket.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b"".join([bytes(part) async for part in socket if isinstance(part, bytes)])
        await socket.wait_closed()
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"\r\n\r\nhello")
    assert socket.close_code == 1000
