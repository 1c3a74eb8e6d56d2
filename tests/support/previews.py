"""Previews of a real server in a room, and browsers and programs that visit them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import websockets

from cli.client import Client, Json
from cli.endpoint import Endpoint
from tests.support.waiting import PATIENCE, until

SERVER = Path(__file__).with_name("preview_server.py")
PAGE = {"Accept": "text/html", "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
"""What a browser sends when a person opens an address."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Reaches a preview through the gateway, whatever the name of its origin resolves to on this machine."""

    gateway: str
    host: str
    http: httpx2.AsyncClient
    headers: dict[str, str]

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        """Ask for a page."""
        return await self.ask("GET", path, **options)

    async def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Make a request."""
        headers = {"Host": self.host, **self.headers, **options.pop("headers", {})}
        return await self.http.request(method, self.gateway + path, headers=headers, **options)

    def stream(self, method: str, path: str, **options: Any) -> Any:  # a context manager
        """Make a request whose answer is read bit by bit."""
        return self.http.stream(method, self.gateway + path, headers={"Host": self.host, **self.headers}, **options)

    def connect(self, path: str, headers: dict[str, str] | None = None, **options: Any) -> Any:  # a context manager
        """Open a WebSocket."""
        sent = {**self.headers, **(headers or {})}
        where = urlsplit(self.gateway)
        # The URL names the origin; where it is reached is another matter.
        return websockets.connect(
            f"ws://{self.host}{path}",
            host=where.hostname,
            port=where.port,
            additional_headers=sent,
            proxy=None,
            **options,
        )


@asynccontextmanager
async def visiting(api: Endpoint, preview: Json, **headers: str) -> AsyncIterator[Visitor]:
    """Be a client that sends these headers; names of them have underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx2.AsyncClient(timeout=PATIENCE) as http:
        yield Visitor(api.url, urlsplit(preview["url"]).netloc, http, named)


def bearer(api: Endpoint) -> dict[str, str]:
    """Return the headers of somebody with the owner's key."""
    return {"Authorization": f"Bearer {api.api_key}"}


async def pass_of(api: Endpoint, client: Client, preview: Json) -> str:
    """Open a preview as a browser does, and return the cookie that it then has."""
    opened = await client.post(f"/v1/previews/{preview['previewId']}:open", {})
    where = urlsplit(opened["url"])
    async with visiting(api, preview) as visitor:
        answer = await visitor.get(f"{where.path}?{where.query}", headers=PAGE)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["set-cookie"].partition(";")[0])


async def create_preview(client: Client, workspace_id: str, room: Path, **wishes: Any) -> Json:
    """Start the server in a room, and return its preview once it is live."""
    (room / "files" / SERVER.name).write_bytes(SERVER.read_bytes())
    wanted = {"workspaceId": workspace_id, "command": ["python3", SERVER.name], **wishes}
    preview = await client.post("/v1/previews", wanted)
    return await until_preview(client, preview["previewId"], "LIVE")


async def until_preview(client: Client, preview_id: str, *states: str) -> Json:
    """Return the preview once it is in one of the states."""
    latest: list[Json] = []

    async def reached() -> bool:
        latest.append(await client.get(f"/v1/previews/{preview_id}"))
        return latest[-1]["state"] in states

    await until(reached)
    return latest[-1]
