"""Previews: a server in a room that browsers and programs reach through the gateway."""

from cli.client import Client, Json
from tests.support.embedded_stack import EmbeddedStack
from tests.support.previews import bearer, visiting


async def test_preview_is_reached_with_a_credential_that_its_server_never_sees(
    embedded_stack: EmbeddedStack, client: Client, preview: Json
) -> None:
    """A program shows its key; the server in the room gets the request without it, and knows where it was sent."""
    api = embedded_stack.api
    async with visiting(api, preview, **bearer(api)) as visitor:
        answer = await visitor.get("/headers?a=b&c")
    assert answer.status_code == 200, answer.text
    seen = answer.json()
    headers = dict(seen["headers"])
    assert seen["path"] == "/headers?a=b&c"
    assert headers["host"] == headers["x-forwarded-host"] == visitor.host
    assert (headers["x-forwarded-for"], headers["x-forwarded-proto"]) == ("127.0.0.1", "http")
    assert "authorization" not in headers
    assert api.api_key not in answer.text
